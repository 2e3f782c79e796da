"""Signals for auditors, and for agencies of their region: what is worth a look, with evidence.

Account ids stand for persons: who must know a person opens a case and asks for the account.
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


class SignalFilter(NamedTuple):
    """Which signals: of a kind or all that the log tells of, behind a position, how many."""

    kind: str | None
    after: int
    limit: int
    min_position: int | None


async def signals(
    context: ServiceContext, read_models: ReadModels, caller: Caller, wanted: SignalFilter
) -> PageResult:
    """Signals behind a position, oldest first; `following` is the position to go on behind.

    Mismatched credentials leave no event: they are read from the access log, whose positions
    they have, and only when asked for by their kind.

    Raises:
        NotPermittedError: neither auditor nor agency.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)
    limit = bounded(wanted.limit)
    region = caller.region if caller.role is Role.AGENCY else None
    kind = None if wanted.kind is None else SignalKind(wanted.kind)
    position = await reach(
        context, read_models, PageRequest(None, limit, wanted.min_position), signal_views.TABLE
    )
    if kind is SignalKind.CREDENTIAL_MISMATCH:
        refused = await of_code(read_models.pool, kind, wanted.after, limit)
        found = [_mismatch(kept) for kept in refused]
        shown = [one for one in found if region is None or region in await _regions(context, one)]
    else:
        found = await signal_views.after(read_models.pool, wanted.after, kind, region, limit)
        shown = found
    note(stream for signal in shown for stream in (*signal.accounts, *signal.places))
    following = str(found[-1].position) if len(found) >= limit else None
    return PageResult([_told(signal) for signal in shown], following, position)


def _mismatch(kept: StoredAccess) -> Signal:
    """Somebody showed another's credential: both accounts, and where."""
    streams = kept.access.streams
    return Signal(
        kind=SignalKind.CREDENTIAL_MISMATCH,
        position=kept.position,
        accounts=tuple(stream for stream in streams if stream.startswith("acc_")),
        settlements=(),
        places=tuple(stream for stream in streams if stream.startswith("ins_")),
        positions=(),
        figures={"attempts": 1},
    )


async def _regions(context: ServiceContext, signal: Signal) -> set[str]:
    heads = (await context.store.read(signal.accounts, ())).heads
    return {head.state.region for head in heads.values() if isinstance(head.state, Account)}


def _told(signal: Signal) -> dict[str, Any]:
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
