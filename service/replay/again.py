"""Decide again what was decided, on what was read then, by the same rules.

The heads of a command's beginning, and its own events up to the decision, are all that a
decision saw. What is recorded and cannot be made again from the log (whether a quote was
changed, the reason that was given) is taken as it is told.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import NamedTuple

from aggregates import hold as hold_rules
from aggregates.account_state import Account
from aggregates.cascade import Split
from aggregates.events import AidReceived, AidReturned, Debited, DebitReturned
from aggregates.fund_events import Held, HoldReleased, ReturnSuspended
from aggregates.hold_events import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.institution import check_designated
from aggregates.refund import Asked, refund
from aggregates.refusals import RefusalError
from aggregates.returning import Payment, everything, returns_of
from aggregates.settlement import (
    Settlement,
    cancel,
    check_stays,
    debits_of,
    reasons_of,
    split_claim,
)
from aggregates.settlement_events import (
    Claim,
    PartRefunded,
    PayerReturn,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.topics import Event
from aggregates.vocabulary import HoldEnd, Instant, StreamId, instant
from service.capture import settled_of
from service.claims import editions_of, family_of, place_of
from service.editions import edition_of_record
from service.ledger.store import Head
from service.ledger.view import Layer, UnreadError, View
from service.persons import Keys
from service.replay.differences import Unlike
from service.superseding import held_accounts

Moved = list[tuple[StreamId, Event]]
Decided = (
    Settled
    | ClaimHeld
    | HoldCaptured
    | HoldEnded
    | PartRefunded
    | SettlementCancelled
    | SettlementReversed
)
DECIDED = (
    Settled,
    ClaimHeld,
    HoldCaptured,
    HoldEnded,
    PartRefunded,
    SettlementCancelled,
    SettlementReversed,
)
"""The events that are decided again; every other one is folded alone."""
EXPLAINED = (Debited, AidReceived, DebitReturned, AidReturned, Held, HoldReleased, ReturnSuspended)


class Finding(NamedTuple):
    """In what a decision is not what it should be: as it was told, and as it is made again."""

    unlike: Unlike
    told: object
    made: object


@dataclass(slots=True)
class Command:
    """One command as far as the log has told it.

    `start` holds the heads it found of what it changed, `unpaid` the accounts before money
    left them or was set aside, `unfreed` those before what a hold held came free, and `moved`
    the events of accounts that no decision has explained yet.
    """

    act: bytes
    start: dict[StreamId, Head] = field(default_factory=dict)
    unpaid: dict[StreamId, Account] = field(default_factory=dict)
    unfreed: dict[StreamId, Account] = field(default_factory=dict)
    moved: Moved = field(default_factory=list)


class Place(NamedTuple):
    """What a decision is decided again in: all states so far, its command, and where it stands."""

    world: Layer
    keys: Keys
    command: Command
    stream: StreamId
    at: datetime


def decide_again(place: Place, event: Decided) -> list[Finding]:
    """Decide an event again and hold it against what the log tells.

    Raises:
        UnreadError: a state is needed that is not loaded yet.
    """
    try:
        return _decided(place, event)
    except UnreadError:
        raise
    except RefusalError as refusal:
        return [Finding(Unlike.DECISION, type(event).__name__, refusal.code())]
    except Exception as fault:  # noqa: BLE001 -- what was tampered with may break any rule
        return [Finding(Unlike.DECISION, type(event).__name__, f"{type(fault).__name__} {fault}")]


def _decided(place: Place, event: Decided) -> list[Finding]:
    match event:
        case Settled():
            return _settled(place, event) if event.hold is None else _captured(place, event)
        case ClaimHeld():
            return _held(place, event)
        case HoldCaptured() | HoldEnded():
            return _freed(place, event)
        case PartRefunded():
            return _refunded(place, event)
        case SettlementCancelled() | SettlementReversed():
            return _taken_back(place, event)


# ------------------------------------------------------------------ bills and holds


def _settled(place: Place, settled: Settled) -> list[Finding]:
    now = instant(settled.settled_at)
    view = View(_as_decided(place, place.command.unpaid), now)
    split, region, editions, patient = _split(view, place.keys, settled.claim, now)
    own_after_fen = patient.balance_fen - split.own_fen if patient.has_funds else None
    made = replace(
        settled,
        place_region=region,
        editions=editions,
        payers=split.payers,
        reasons=reasons_of(split),
        own_fen=split.own_fen,
        aid_fen=split.aid_fen,
        cash_fen=split.cash_fen,
        own_after_fen=own_after_fen,
        on=now.on,
    )
    found = [*_unlike(settled, made), *_misread(place, settled.read, view.read)]
    return found + _paid(place, settled)


def _held(place: Place, held: ClaimHeld) -> list[Finding]:
    now = instant(held.held_at)
    view = View(_as_decided(place, place.command.unpaid), now)
    split, region, editions, _ = _split(view, place.keys, held.claim, now)
    made = replace(
        held,
        place_region=region,
        editions=editions,
        payers=split.payers,
        reasons=reasons_of(split),
        own_fen=split.own_fen,
        aid_fen=split.aid_fen,
        cash_fen=split.cash_fen,
        on=now.on,
    )
    found = [*_unlike(held, made), *_misread(place, held.read, view.read)]
    told = _taken(place, lambda event: isinstance(event, Held) and event.hold == place.stream)
    return found + _moves(told, list(hold_rules.holds_of(place.stream, held)))


def _split(
    view: View, keys: Keys, claim: Claim, now: Instant
) -> tuple[Split, str, dict[str, str], Account]:
    """A bill split again: the split, the place's region, the editions, and the patient.

    Raises:
        RefusalError: it is refused today as it should have been then.
    """
    institution = view.institution(claim.institution)
    check_designated(institution)
    family = family_of(view, keys, claim.beneficiary, now)
    place = place_of(institution, claim.med_type, family.account, now)
    split = split_claim(claim, family, place, now)
    return split, place.region, editions_of(family), family.account


def _captured(place: Place, settled: Settled) -> list[Finding]:
    assert settled.hold is not None, "it settles a hold"
    now = instant(settled.settled_at)
    view = View(_as_decided(place, place.command.unfreed), now)
    hold = view.hold(settled.hold)
    hold_rules.check_held(hold, now)
    claim = settled.claim
    known = replace(
        hold.held.claim,
        total_fen=claim.total_fen,
        fund_pay_fen=claim.fund_pay_fen,
        lines=claim.lines,
    )
    accounts = held_accounts(view, hold.held)
    patient = accounts[known.beneficiary]
    edition = edition_of_record(view, place.keys, patient.region, hold.held.editions["beneficiary"])
    split = hold_rules.capture(settled.hold, hold, known, accounts, edition)
    made = settled_of((settled.hold, hold), known, split, patient, now)
    found = [*_unlike(settled, replace(made, read=settled.read))]
    return found + _misread(place, settled.read, view.read) + _paid(place, settled)


def _freed(place: Place, event: HoldCaptured | HoldEnded) -> list[Finding]:
    why = event.why if isinstance(event, HoldEnded) else HoldEnd.CAPTURED
    view = View(_as_decided(place, place.command.unfreed), instant(place.at))
    accounts = held_accounts(view, view.hold(place.stream).held)
    told = _taken(place, lambda e: isinstance(e, HoldReleased) and e.hold == place.stream)
    return _moves(told, list(hold_rules.frees_of(place.stream, accounts, why)))


def _paid(place: Place, settled: Settled) -> list[Finding]:
    """Whether exactly what was decided left the accounts."""
    told = _taken(
        place,
        lambda event: isinstance(event, Debited | AidReceived) and event.settlement == place.stream,
    )
    return _moves(told, list(debits_of(place.stream, settled)))


# ------------------------------------------------------------------ taking back


def _refunded(place: Place, event: PartRefunded) -> list[Finding]:
    view = View(_as_decided(place, {}), instant(place.at))
    settlement = view.settlement(place.stream)
    payment = _payment(view, place, settlement)
    edition = edition_of_record(
        view,
        place.keys,
        view.account(payment.settled.claim.beneficiary).region,
        payment.settled.editions["beneficiary"],
    )
    asked = Asked(event.amount_fen, event.lines)
    made = refund(settlement, asked, event.reason, edition)
    return [*_unlike(event, made), *_returned(view, place, payment, event.payers)]


def _taken_back(place: Place, event: SettlementCancelled | SettlementReversed) -> list[Finding]:
    view = View(_as_decided(place, {}), instant(place.at))
    if view.version(place.stream) == 0 and isinstance(event, SettlementReversed):
        return []  # a tombstone: nothing ever came
    settlement = view.settlement(place.stream)
    cancel(settlement, "")
    payment = _payment(view, place, settlement)
    return _returned(view, place, payment, everything(check_stays(settlement)))


def _payment(view: View, place: Place, settlement: Settlement) -> Payment:
    settled = settlement.settled
    assert settled is not None, "only what was settled is taken back"
    region = view.account(settled.claim.beneficiary).region
    edition = edition_of_record(view, place.keys, region, settled.editions["beneficiary"])
    return Payment(place.stream, settled, edition.refund)


def _returned(
    view: View, place: Place, payment: Payment, payers: tuple[PayerReturn, ...]
) -> list[Finding]:
    """Whether exactly what goes back came to the accounts, or was set aside."""
    view.need([payer.account for payer in payers])
    accounts = {payer.account: view.account(payer.account) for payer in payers}
    for account in list(accounts.values()):
        if account.successor is not None:
            accounts[account.successor] = view.account(account.successor)
    told = _taken(place, lambda event: _goes_back(event, place.stream))
    now, ticket = instant(place.at), ""
    for _, event in told:
        if isinstance(event, DebitReturned | ReturnSuspended):
            now = Instant(now.at, event.returned_on)
        if isinstance(event, ReturnSuspended):
            ticket = event.ticket
    return _moves(told, list(returns_of(payment, payers, accounts, ticket, now)))


def _goes_back(event: Event, settlement: StreamId) -> bool:
    if isinstance(event, ReturnSuspended):
        return event.payment == settlement
    return isinstance(event, DebitReturned | AidReturned) and event.settlement == settlement


# ------------------------------------------------------------------ holding one against another


def _as_decided(place: Place, kept: Mapping[StreamId, Account]) -> Layer:
    """The states a decision saw: the command's beginning, with what it gave back before."""
    layer = Layer(place.world)
    for stream, head in place.command.start.items():
        state = head.state
        if stream.startswith("acc_"):
            state = kept[stream] if stream in kept else place.world.head(stream).state
        layer.heads[stream] = Head(head.version, state)
    return layer


def _misread(place: Place, told: dict[StreamId, int], made: dict[StreamId, int]) -> list[Finding]:
    """Whether everything that the decision needs was read, at the version that was there."""
    start = place.command.start
    there = {
        stream: start[stream].version if stream in start else place.world.head(stream).version
        for stream in told
    }
    return [
        Finding(Unlike.READ, f"{stream} {told.get(stream)}", there.get(stream, made.get(stream)))
        for stream in (told | made if there != told or not made.keys() <= there.keys() else ())
        if told.get(stream) != there.get(stream, made.get(stream))
    ]


def _taken(place: Place, is_mine: Callable[[Event], bool]) -> Moved:
    """Take the command's events that a decision must explain, in their order."""
    command = place.command
    told = [moved for moved in command.moved if is_mine(moved[1])]
    command.moved = [moved for moved in command.moved if not is_mine(moved[1])]
    return told


def _moves(told: Moved, made: Moved) -> list[Finding]:
    return [] if told == made else [Finding(Unlike.MOVES, told, made)]


def _unlike(told: Decided, made: Decided) -> Iterator[Finding]:
    """Every member in which two events of a kind differ."""
    if told == made:
        return
    for member in fields(told):
        one, other = getattr(told, member.name), getattr(made, member.name)
        if one != other:
            yield Finding(Unlike.DECISION, f"{member.name} {one}", other)
