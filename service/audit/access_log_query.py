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
    """Whose accesses, or to whose data; from `since` until before `until`, both aware moments."""

    person_no: str | None
    stream: str | None
    caller: str | None
    since: datetime | None
    until: datetime | None


async def accesses(
    context: ServiceContext, caller: Caller, criteria: AccessFilter, cursor: str | None, limit: int
) -> PageResult:
    """Records of the access log, newest first, as of the newest one (auditors).

    Accesses to an erased person are found by the account id in the history: `stream`.

    Raises:
        NotPermittedError: no auditor; UnknownError: nobody has that person number;
        CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AUDITOR)
    stream = None if criteria.stream is None else StreamId(criteria.stream)
    if criteria.person_no is not None:
        stream = await account_of(context, caller, criteria.person_no)
    if stream is not None:
        note([stream])
    limit = bounded(limit)
    query = AccessQuery(
        below(cursor), stream, criteria.caller, _micros(criteria.since), _micros(criteria.until)
    )
    rows = await context.store.accesses(query, limit + 1)
    shown = page(rows, [row.position for row in rows], limit)
    items = [_shown(stored) for stored in shown.rows]
    return PageResult(items, shown.next, await context.store.position())


def _shown(stored: StoredAccess) -> dict[str, Any]:
    access = stored.access
    return {
        "access": stored.position,
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
