"""The access log for auditors: who read or was refused what. Reading it is recorded too."""

from datetime import datetime
from typing import Any, NamedTuple

from aggregates.vocabulary import StreamId
from projections.kit.paging import below, bounded, page
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.ledger.access_log import AccessQuery, StoredAccess
from service.person.lookup import account_of
from service.read_models.reader import PageResult
from service.request_context import note

REFUSED_FROM = 400


class AccessFilter(NamedTuple):
    """Whose accesses, or to whom; `since` counts, `until` does not; both aware moments."""

    person_no: str | None
    stream: str | None
    caller: str | None
    since: datetime | None
    until: datetime | None


async def accesses(
    context: ServiceContext, caller: Caller, wanted: AccessFilter, cursor: str | None, limit: int
) -> PageResult:
    """Records of the access log, newest first, as of the newest one (auditors).

    An erased person is asked for by the account id that his history shows: `stream`.

    Raises:
        NotPermittedError: no auditor; UnknownError: nobody has that person number;
        CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AUDITOR)
    stream = None if wanted.stream is None else StreamId(wanted.stream)
    if wanted.person_no is not None:
        stream = await account_of(context, caller, wanted.person_no)
    if stream is not None:
        note([stream])
    limit = bounded(limit)
    sought = AccessQuery(
        below=below(cursor),
        stream=stream,
        caller=wanted.caller,
        since=_micros(wanted.since),
        until=_micros(wanted.until),
    )
    found = await context.store.accesses(sought, limit + 1)
    shown = page(found, [kept.position for kept in found], limit)
    return PageResult(
        [_told(kept) for kept in shown.rows], shown.next, await context.store.position()
    )


def _told(kept: StoredAccess) -> dict[str, Any]:
    access = kept.access
    return {
        "access": kept.position,
        "at": rfc3339(access.at),
        "caller": access.caller,
        "role": access.role,
        "operation": access.operation,
        "status_code": access.status,
        "refused": access.status >= REFUSED_FROM,
        "codes": (access.code or "").split(),
        "purpose": access.purpose,
        "streams": list(access.streams),
        "trace_id": access.trace_id,
    }


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1_000_000)
