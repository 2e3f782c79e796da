"""How things stood at a position or a moment, from the log alone: no head and no read model.

A position is answered as of the moment its event was recorded, a moment as of itself: a year
that was over by then counts as closed, an invitation that had run out as expired.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from aggregates.account.cap_usage import Spending
from aggregates.account.state import Account, AccountHold, BeneficiaryLink
from aggregates.account.year_close import closing, turned
from aggregates.binding.binding import Binding
from aggregates.institution import Institution
from aggregates.refusals import DateInvalidError, UnknownError
from aggregates.topics import State
from aggregates.vocabulary import BEIJING, Instant, StreamId, instant
from service.caller import Caller, Role, check_role
from service.clock import micros
from service.context import ServiceContext
from service.institution import see_institution
from service.ledger.codec import kind_of
from service.ledger.store import Store
from service.person.lookup import account_of
from service.serializers import account_answer, binding_answer, day, moment, yuan

S = TypeVar("S", bound=State)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
StateAsOf = dict[str, Any]


class LogPoint(NamedTuple):
    """A point of the log: up to which position it counts, and the instant things stand at."""

    position: int
    now: Instant


class StreamAsOf(NamedTuple):
    """A stream as it stood: its version, what was folded, and where its last event stands."""

    version: int
    state: State
    position: int


def read_moment(text: str) -> int | datetime:
    """A position or a moment as somebody writes it; without an offset a moment is Beijing's.

    Raises:
        DateInvalidError: it is neither.
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
    """The point of the log that a position or a moment means; None is now.

    A moment to come shows what is in the log as it will count then.

    Raises:
        DateInvalidError: the log has not come to that position.
    """
    store, now = context.store, context.clock()
    head = await store.position()
    if as_of is None:
        return LogPoint(head, now)
    if isinstance(as_of, datetime):
        return LogPoint(await _recorded_by(store, micros(instant(as_of)), head), instant(as_of))
    if not 1 <= as_of <= head:
        raise DateInvalidError(field="as_of")
    (event,) = await store.page(as_of - 1, 1)
    return LogPoint(as_of, instant(EPOCH + timedelta(microseconds=event.recorded_at)))


async def _recorded_by(store: Store, at_us: int, head: int) -> int:
    """The last position recorded by a moment; moments never fall, so halving finds it."""
    first, last = 0, head
    while first < last:
        middle = (first + last + 1) // 2
        found = await store.page(middle - 1, 1)
        is_by_then = bool(found) and found[0].recorded_at <= at_us
        first, last = (middle, last) if is_by_then else (first, middle - 1)
    return first


async def stood(
    store: Store, stream: StreamId, state_class: type[S], point: LogPoint
) -> StreamAsOf:
    """A stream folded from its events up to a point.

    Raises:
        UnknownError: it had not begun.
    """
    state: State | None = None
    version = position = 0
    for one in await store.history(stream):
        if one.position > point.position:
            break
        state = kind_of(stream).evolve(state, one.event)
        version, position = one.version, one.position
    if not isinstance(state, state_class):
        raise UnknownError
    return StreamAsOf(version, state, position)


async def account_as_of(
    context: ServiceContext, caller: Caller, person_no: str, as_of: int | datetime | None
) -> StateAsOf:
    """An account as it stood (auditors).

    Raises:
        UnknownError: there was none; DateInvalidError: the log has not come so far.
    """
    check_role(caller, Role.AUDITOR)
    account_id = await account_of(context, caller, person_no)
    point = await point_of(context, as_of)
    return _placed(point) | await _account(context, account_id, point)


async def binding_as_of(
    context: ServiceContext, caller: Caller, binding_id: StreamId, as_of: int | datetime | None
) -> StateAsOf:
    """A binding as it stood (auditors).

    Raises:
        As `account_as_of`.
    """
    check_role(caller, Role.AUDITOR)
    point = await point_of(context, as_of)
    return _placed(point) | await _binding(context, binding_id, point)


async def institution_as_of(
    context: ServiceContext, caller: Caller, code: str, as_of: int | datetime | None
) -> StateAsOf:
    """An institution as it stood (auditors).

    Raises:
        As `account_as_of`.
    """
    check_role(caller, Role.AUDITOR)
    stream, _, _ = await see_institution(context, caller, code)
    point = await point_of(context, as_of)
    there = await stood(context.store, stream, Institution, point)
    institution = there.state
    assert isinstance(institution, Institution), "an institution's stream folds to one"
    return _placed(point) | {
        "institution_id": stream,
        "code": institution.code,
        "name": institution.name,
        "class": institution.kind,
        "region": institution.region,
        "status": institution.status,
        "opened_regions": list(institution.opened_regions),
        "sensitive": institution.sensitive,
        "cleared_through": day(institution.cleared_through),
        "version": there.version,
        "last_position": there.position,
    }


async def family_as_of(
    context: ServiceContext, caller: Caller, person_no: str, as_of: int | datetime | None
) -> StateAsOf:
    """A patient with everybody who stood behind him, or had been asked to (auditors).

    Raises:
        As `account_as_of`.
    """
    check_role(caller, Role.AUDITOR)
    account_id = await account_of(context, caller, person_no)
    point = await point_of(context, as_of)
    there = await stood(context.store, account_id, Account, point)
    patient = there.state
    assert isinstance(patient, Account), "an account's stream folds to one"
    asked = [(binding, sponsor) for binding, sponsor in patient.invitations]
    ties = [(link.binding, link.sponsor) for link in patient.sponsors] + asked
    return _placed(point) | {
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
    there = await stood(context.store, account_id, Account, point)
    account = there.state
    assert isinstance(account, Account), "an account's stream folds to one"
    is_over = closing(account, point.now) is not None
    seen = turned(account, point.now)
    return (
        {"account_id": account_id}
        | account_answer(seen, there.version, point.now)
        | {
            "last_position": there.position,
            "year": seen.year,
            "year_is_open": is_over,
            "successor": account.successor,
            "order": None if account.order is None else list(account.order),
            "order_version": account.order_version,
            "invitations": [{"binding_id": b, "sponsor": s} for b, s in account.invitations],
            "sponsors": [
                {
                    "binding_id": link.binding,
                    "account": link.sponsor,
                    "relation": link.relation.lower(),
                    "linked_at": moment(link.linked_at),
                }
                for link in account.sponsors
            ],
            "beneficiaries": [_lent(link) for link in account.beneficiaries],
            "lent": _spent(account.lent),
            "received": _spent(account.received),
            "holds": [_held(hold) for hold in seen.holds],
            "filings": [
                {"place": f.place, "kind": f.kind, "from": day(f.from_on), "until": day(f.until_on)}
                for f in account.filings
            ],
        }
    )


def _lent(link: BeneficiaryLink) -> StateAsOf:
    return {
        "binding_id": link.binding,
        "account": link.beneficiary,
        "relation": link.relation.lower(),
        "used": _spent(link.used),
    }


def _spent(spending: Spending) -> StateAsOf | None:
    """What the caps count on the newest day that anything moved; None where nothing ever did."""
    if spending.on.year == 1:
        return None
    return {
        "on": day(spending.on),
        "day": yuan(spending.day_fen),
        "month": yuan(spending.month_fen),
        "year": yuan(spending.year_fen),
    }


def _held(hold: AccountHold) -> StateAsOf:
    return {
        "hold_id": hold.hold,
        "amount": yuan(hold.current_fen + hold.prior_fen),
        "aid": yuan(hold.aid_fen),
        "expires_at": None if hold.expires_at is None else moment(hold.expires_at),
    }


async def _binding(context: ServiceContext, binding_id: StreamId, point: LogPoint) -> StateAsOf:
    there = await stood(context.store, binding_id, Binding, point)
    binding = there.state
    assert isinstance(binding, Binding), "a binding's stream folds to one"
    answer = binding_answer(binding_id, binding, there.version, point.now)
    return answer | {"last_position": there.position}


def _placed(point: LogPoint) -> StateAsOf:
    return {"position": point.position, "as_of": moment(point.now.at)}
