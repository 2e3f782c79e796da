"""Decide again what was decided, on what was read then, by the same rules.

The heads of a command's beginning, and its own events up to the decision, are all that a
decision saw. What is recorded and cannot be made again from the log (whether a quote was
changed, the reason that was given) is taken as it is told.
"""

from dataclasses import replace

from aggregates.account.events import (
    AidReceived,
    AidReturned,
    Debited,
    DebitReturned,
    Held,
    HoldReleased,
    MovedFromPool,
    MovedToPool,
    ReturnSuspended,
)
from aggregates.pool.events import (
    PoolDebited,
    PoolEmptied,
    PoolFunded,
    PoolHeld,
    PoolHoldReleased,
    PoolReturned,
)
from aggregates.refusals import RefusalError
from aggregates.settlement import hold as hold_rules
from aggregates.settlement.events import (
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.settlement.hold import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.settlement.settlement import debits_of, settled_of
from aggregates.vocabulary import HoldEnd, instant
from service.ledger.overlay import UnreadError
from service.ledger.read_set import ReadSet
from service.policy import edition_of_record
from service.replay.differences import Mismatch
from service.replay.redecide.comparison import (
    DecisionContext,
    Finding,
    as_decided,
    misread,
    moves,
    taken,
    unlike,
)
from service.replay.redecide.fast_path import split_again
from service.replay.redecide.pools import pool_moved
from service.replay.redecide.premiums_and_corrections import ORDERED, PAID, Ordered, ordered_again
from service.replay.redecide.returns import refunded, taken_back
from service.settlement.supersede_hold import held_funds

DecisionEvent = (
    Settled
    | ClaimHeld
    | HoldCaptured
    | HoldEnded
    | PartRefunded
    | SettlementCancelled
    | SettlementReversed
    | Ordered
)
PoolDecision = PoolFunded | PoolEmptied
DECIDED = (
    Settled,
    ClaimHeld,
    HoldCaptured,
    HoldEnded,
    PartRefunded,
    SettlementCancelled,
    SettlementReversed,
    *PoolDecision.__args__,
    *ORDERED,
)
"""The events that are decided again; every other one is folded alone."""
EXPLAINED = (
    Debited,
    AidReceived,
    DebitReturned,
    AidReturned,
    Held,
    HoldReleased,
    ReturnSuspended,
    PoolDebited,
    PoolReturned,
    PoolHeld,
    PoolHoldReleased,
    MovedToPool,
    MovedFromPool,
    *PAID,
)
"""What accounts and pools do for something that was decided, which must explain it."""


def decide_again(place: DecisionContext, event: DecisionEvent | PoolDecision) -> list[Finding]:
    """Decide an event again and hold it against what the log tells.

    Raises:
        UnreadError: a state is needed that is not loaded yet.
    """
    try:
        if isinstance(event, PoolDecision):
            return pool_moved(place, event)
        return _decided(place, event)
    except UnreadError:
        raise
    except RefusalError as refusal:
        return [Finding(Mismatch.DECISION, type(event).__name__, refusal.code())]
    except Exception as fault:  # noqa: BLE001 -- what was tampered with may break any rule
        return [Finding(Mismatch.DECISION, type(event).__name__, f"{type(fault).__name__} {fault}")]


def _decided(place: DecisionContext, event: DecisionEvent) -> list[Finding]:
    match event:
        case Settled():
            return _settled(place, event) if event.hold is None else _captured(place, event)
        case ClaimHeld():
            return _held(place, event)
        case HoldCaptured() | HoldEnded():
            return _freed(place, event)
        case PartRefunded():
            return refunded(place, event)
        case SettlementCancelled() | SettlementReversed():
            return taken_back(place, event)
        case _:
            return ordered_again(place, event)


# ------------------------------------------------------------------ bills and holds


def _settled(place: DecisionContext, settled: Settled) -> list[Finding]:
    now = instant(settled.settled_at)
    reads = ReadSet(as_decided(place, place.command.unpaid), now, place.vault)
    claim_split = split_again(reads, place.vault, settled.claim, now)
    made = settled_of(claim_split, settled.read, now, is_changed=settled.changed)
    found = [*unlike(settled, made), *misread(place, settled.read, reads.read)]
    return found + _paid(place, settled)


def _held(place: DecisionContext, held: ClaimHeld) -> list[Finding]:
    now = instant(held.held_at)
    reads = ReadSet(as_decided(place, place.command.unpaid), now, place.vault)
    claim_split = split_again(reads, place.vault, held.claim, now)
    made = hold_rules.held_of(claim_split, held.read, now, held.expires_at)
    found = [*unlike(held, made), *misread(place, held.read, reads.read)]
    told = taken(
        place, lambda event: isinstance(event, Held | PoolHeld) and event.hold == place.stream
    )
    return found + moves(told, list(hold_rules.holds_of(place.stream, held)))


def _captured(place: DecisionContext, settled: Settled) -> list[Finding]:
    assert settled.hold is not None, "it settles a hold"
    now = instant(settled.settled_at)
    reads = ReadSet(as_decided(place, place.command.unfreed), now, place.vault)
    hold = reads.hold(settled.hold)
    hold_rules.check_held(hold, now)
    claim = settled.claim
    known = replace(
        hold.held.claim,
        total_fen=claim.total_fen,
        fund_pay_fen=claim.fund_pay_fen,
        lines=claim.lines,
    )
    funds = held_funds(reads, hold.held)
    region = reads.account(known.beneficiary).region
    edition = edition_of_record(reads, place.vault, region, hold.held.editions["beneficiary"])
    claim_split = hold_rules.capture(settled.hold, hold, known, funds, edition)
    made = settled_of(claim_split, settled.read, now, (settled.hold, hold.held.on))
    found = [*unlike(settled, made)]
    return found + misread(place, settled.read, reads.read) + _paid(place, settled)


def _freed(place: DecisionContext, event: HoldCaptured | HoldEnded) -> list[Finding]:
    why = event.why if isinstance(event, HoldEnded) else HoldEnd.CAPTURED
    overlay = as_decided(place, place.command.unfreed)
    reads = ReadSet(overlay, instant(place.at), place.vault)
    funds = held_funds(reads, reads.hold(place.stream).held)
    told = taken(
        place,
        lambda e: isinstance(e, HoldReleased | PoolHoldReleased) and e.hold == place.stream,
    )
    return moves(told, list(hold_rules.frees_of(place.stream, funds, why)))


def _paid(place: DecisionContext, settled: Settled) -> list[Finding]:
    """Whether exactly what was decided left the accounts."""
    told = taken(
        place,
        lambda event: (
            isinstance(event, Debited | AidReceived | PoolDebited)
            and event.settlement == place.stream
        ),
    )
    return moves(told, list(debits_of(place.stream, settled)))
