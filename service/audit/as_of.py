"""The state at a position or a moment, folded from the log alone: no head and no read model.

A position is shown as of the time its event was recorded, a moment as of that moment: a year
that was over by then counts as closed, an invitation whose time was over as expired.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from aggregates.account.cap_usage import Spending
from aggregates.account.state import Account, AccountHold
from aggregates.account.year_close import closing, turned
from aggregates.binding.binding import Binding
from aggregates.institution import Institution
from aggregates.refusals import DateInvalidError, UnknownError
from aggregates.topics import State
from aggregates.vocabulary import BEIJING, Instant, Relation, StreamId, instant
from service.caller import Caller, Role, check_role
from service.clock import micros
from service.context import ServiceContext
from service.ids import stream_of
from service.institution import see_institution
from service.ledger.codec import kind_of
from service.ledger.store import Store
from service.person.lookup import account_of
from service.request_context import note
from service.serializers import account_answer, binding_answer, day, moment, yuan

S = TypeVar("S", bound=State)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
StateAsOf = dict[str, Any]


class LogPoint(NamedTuple):
    """The last position that counts, and the instant that the state is shown at."""

    position: int
    now: Instant


class StreamAsOf(NamedTuple, Generic[S]):
    """A stream's folded state, its version, and the position of its last event."""

    version: int
    state: S
    position: int


def read_moment(text: str) -> int | datetime:
    """A position or a moment as text; a moment without an offset is in Beijing time.

    Raises:
        DateInvalidError: the text is neither.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    if "T" in text:
        text = text.replace(" ", "+")  # an offset's sign that a query did not encode
    try:
        at = datetime.fromisoformat(text)
        return instant(at if at.tzinfo is not None else at.replace(tzinfo=BEIJING)).at
    except (ValueError, OverflowError) as error:
        raise DateInvalidError(field="as_of") from error


async def point_of(context: ServiceContext, as_of: int | datetime | None) -> LogPoint:
    """The point of the log that a position or a moment names; None is now.

    A moment in the future shows today's log as it will count then.

    Raises:
        DateInvalidError: the log has no such position.
    """
    store = context.store
    head = await store.position()
    if as_of is None:
        return LogPoint(head, context.clock())
    if isinstance(as_of, datetime):
        return LogPoint(await _recorded_by(store, micros(instant(as_of)), head), instant(as_of))
    if not 1 <= as_of <= head:
        raise DateInvalidError(field="as_of")
    (event,) = await store.page(as_of - 1, 1)
    return LogPoint(as_of, instant(EPOCH + timedelta(microseconds=event.recorded_at)))


async def _recorded_by(store: Store, at_us: int, head: int) -> int:
    """The last position recorded by a moment, by binary search: recorded times never fall."""
    first, last = 0, head
    while first < last:
        middle = (first + last + 1) // 2
        page = await store.page(middle - 1, 1)
        is_by_then = bool(page) and page[0].recorded_at <= at_us
        first, last = (middle, last) if is_by_then else (first, middle - 1)
    return first


async def _fold(
    context: ServiceContext, stream: StreamId, state_class: type[S], point: LogPoint
) -> StreamAsOf[S]:
    """A stream folded from its events up to a point.

    Raises:
        UnknownError: it had no event by then.
    """
    state: State | None = None
    version = position = 0
    for recorded in await context.store.history(stream):
        if recorded.position > point.position:
            break
        state = kind_of(stream).evolve(state, recorded.event)
        version, position = recorded.version, recorded.position
    if not isinstance(state, state_class):
        raise UnknownError
    return StreamAsOf(version, state, position)


async def _account_named(context: ServiceContext, caller: Caller, named: str) -> StreamId:
    """The account of a person number, or the one whose id is given: that of an erased person too.

    Raises:
        UnknownError: nobody has the number.
    """
    try:
        account_id = stream_of("acc", named)
    except UnknownError:
        return await account_of(context, caller, named)
    note([account_id])
    return account_id


async def _institution_named(context: ServiceContext, caller: Caller, named: str) -> StreamId:
    """As `_account_named`, by an institution's code or id."""
    try:
        institution_id = stream_of("ins", named)
    except UnknownError:
        return (await see_institution(context, caller, named)).stream
    note([institution_id])
    return institution_id


async def account_as_of(
    context: ServiceContext, caller: Caller, named: str, as_of: int | datetime | None
) -> StateAsOf:
    """An account at a point of the log, by person number or account id, for auditors.

    Raises:
        UnknownError: there was none; DateInvalidError: the log has no such position.
    """
    check_role(caller, Role.AUDITOR)
    account_id = await _account_named(context, caller, named)
    point = await point_of(context, as_of)
    return _point_answer(point) | await _account(context, account_id, point)


async def binding_as_of(
    context: ServiceContext, caller: Caller, binding_id: StreamId, as_of: int | datetime | None
) -> StateAsOf:
    """A binding at a point of the log; raises as `account_as_of`."""
    check_role(caller, Role.AUDITOR)
    point = await point_of(context, as_of)
    return _point_answer(point) | await _binding(context, binding_id, point)


async def institution_as_of(
    context: ServiceContext, caller: Caller, named: str, as_of: int | datetime | None
) -> StateAsOf:
    """An institution at a point of the log, by code or id; raises as `account_as_of`."""
    check_role(caller, Role.AUDITOR)
    stream = await _institution_named(context, caller, named)
    point = await point_of(context, as_of)
    version, institution, position = await _fold(context, stream, Institution, point)
    return _point_answer(point) | {
        "institution_id": stream,
        "code": institution.code,
        "name": institution.name,
        "class": institution.kind,
        "region": institution.region,
        "status": institution.status,
        "opened_regions": list(institution.opened_regions),
        "sensitive": institution.sensitive,
        "level": institution.hospital_level or None,
        "cleared_through": day(institution.cleared_through),
        "version": version,
        "last_position": position,
    }


async def family_as_of(
    context: ServiceContext, caller: Caller, named: str, as_of: int | datetime | None
) -> StateAsOf:
    """A patient with all sponsors, invited ones too, by person number or account id.

    It raises as `account_as_of`.
    """
    check_role(caller, Role.AUDITOR)
    account_id = await _account_named(context, caller, named)
    point = await point_of(context, as_of)
    patient = (await _fold(context, account_id, Account, point)).state
    ties = [(link.binding, link.sponsor) for link in patient.sponsors] + [*patient.invitations]
    return _point_answer(point) | {
        "beneficiary": await _account(context, account_id, point),
        "sponsors": [
            {
                "binding": await _binding(context, binding, point),
                "account": await _account(context, sponsor, point),
            }
            for binding, sponsor in ties
        ],
    }


async def _account(context: ServiceContext, account_id: StreamId, point: LogPoint) -> StateAsOf:
    version, account, position = await _fold(context, account_id, Account, point)
    current = turned(account, point.now)
    return (
        {"account_id": account_id}
        | account_answer(current, version, point.now)
        | {
            "last_position": position,
            "year": current.year,
            "year_is_open": closing(account, point.now) is not None,
            "successor": account.successor,
            "order": None if account.order is None else list(account.order),
            "order_version": account.order_version,
            "invitations": [{"binding_id": b, "sponsor": s} for b, s in account.invitations],
            "sponsors": [
                _tie(link.binding, link.sponsor, link.relation)
                | {"linked_at": moment(link.linked_at)}
                for link in account.sponsors
            ],
            "beneficiaries": [
                _tie(link.binding, link.beneficiary, link.relation) | {"used": _used(link.used)}
                for link in account.beneficiaries
            ],
            "lent": _used(account.lent),
            "received": _used(account.received),
            "holds": [_hold(hold) for hold in current.holds],
            "filings": [
                {"place": f.place, "kind": f.kind, "from": day(f.from_on), "until": day(f.until_on)}
                for f in account.filings
            ],
        }
    )


def _tie(binding: StreamId, account: StreamId, relation: Relation) -> StateAsOf:
    return {"binding_id": binding, "account": account, "relation": relation.lower()}


def _used(spending: Spending) -> StateAsOf | None:
    """Cap usage on the newest day that money moved; None if none ever did."""
    if spending.on.year == 1:
        return None
    return {
        "on": day(spending.on),
        "day": yuan(spending.day_fen),
        "month": yuan(spending.month_fen),
        "year": yuan(spending.year_fen),
    }


def _hold(hold: AccountHold) -> StateAsOf:
    return {
        "hold_id": hold.hold,
        "amount": yuan(hold.current_fen + hold.prior_fen),
        "aid": yuan(hold.aid_fen),
        "expires_at": None if hold.expires_at is None else moment(hold.expires_at),
    }


async def _binding(context: ServiceContext, binding_id: StreamId, point: LogPoint) -> StateAsOf:
    version, binding, position = await _fold(context, binding_id, Binding, point)
    answer = binding_answer(binding_id, binding, version, point.now)
    return answer | {"last_position": position}


def _point_answer(point: LogPoint) -> StateAsOf:
    return {"position": point.position, "as_of": moment(point.now.at)}
