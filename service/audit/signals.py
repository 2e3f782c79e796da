"""Signals for auditors, and for agencies of their region: suspicious patterns, with evidence.

A signal names persons by account id. An auditor who must know the person asks for the account.
"""

from typing import Any, NamedTuple

from aggregates.account.state import Account
from projections.audit import signals as signal_views
from projections.audit.thresholds import LIMITS, Signal, SignalKind
from projections.kit.paging import bounded
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ledger.access_log import StoredAccess, of_code
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.request_context import note

__all__ = ["SignalFilter", "SignalKind", "signals"]


class SignalFilter(NamedTuple):
    """Which signals: of a kind or of all kinds in the event log, after a position, how many."""

    kind: SignalKind | None
    after: int
    limit: int
    min_position: int | None


async def signals(
    context: ServiceContext, read_models: ReadModels, caller: Caller, filters: SignalFilter
) -> PageResult:
    """Signals after a position, oldest first; `following` is the `after` of the next page.

    A mismatched credential leaves no event. It is read from the access log, has the position
    there, and is listed only if asked for by its kind.

    Raises:
        NotPermittedError: neither auditor nor agency.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)
    limit = bounded(filters.limit)
    region = caller.region if caller.role is Role.AGENCY else None
    position = await reach(
        context, read_models, PageRequest(None, limit, filters.min_position), signal_views.TABLE
    )
    pool, kind = read_models.pool, filters.kind
    if kind is SignalKind.CREDENTIAL_MISMATCH:
        page = [_mismatch(access) for access in await of_code(pool, kind, filters.after, limit)]
        visible = [s for s in page if region is None or region in await _regions(context, s)]
    else:
        visible = page = await signal_views.after(pool, filters.after, kind, region, limit)
    note(stream for signal in visible for stream in (*signal.accounts, *signal.places))
    following = str(page[-1].position) if len(page) >= limit else None
    return PageResult([_answer(signal) for signal in visible], following, position)


def _mismatch(stored: StoredAccess) -> Signal:
    """The signal of a refused credential: both accounts, and the institution."""
    streams = stored.access.streams
    return Signal(
        kind=SignalKind.CREDENTIAL_MISMATCH,
        position=stored.position,
        accounts=tuple(stream for stream in streams if stream.startswith("acc_")),
        settlements=(),
        places=tuple(stream for stream in streams if stream.startswith("ins_")),
        positions=(),
        figures={"attempts": 1},
    )


async def _regions(context: ServiceContext, signal: Signal) -> set[str]:
    heads = (await context.store.read(signal.accounts, ())).heads
    return {head.state.region for head in heads.values() if isinstance(head.state, Account)}


def _answer(signal: Signal) -> dict[str, Any]:
    limit = LIMITS[signal.kind]
    return {
        "kind": signal.kind,
        "position": signal.position,
        "log": "accesses" if signal.kind is SignalKind.CREDENTIAL_MISMATCH else "events",
        "accounts": list(signal.accounts),
        "settlements": list(signal.settlements),
        "institutions": list(signal.places),
        "positions": list(signal.positions),
        "figures": signal.figures,
        "threshold": limit.numbers,
        "source": limit.source,
    }
