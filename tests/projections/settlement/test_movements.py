"""What happened to bills, as one row each: signed, and dated by the business day."""

from dataclasses import replace
from datetime import date, timedelta

from aggregates.reconciliation.day import NOTHING, BillTotals, together
from aggregates.settlement.events import SettlementCancelled, SettlementRefused
from aggregates.vocabulary import SettlementStatus
from projections.settlement.movements import BillBalance, Move, evolve
from service.ledger.codec import Recorded
from tests.projections.recorded_families import (
    BEGAN_AT,
    INSTITUTION,
    TODAY,
    Story,
    a_claim,
    a_part_refund,
    a_reversal,
    a_settlement,
    an_id,
)

PATIENT, SETTLEMENT = an_id("acc", 1), an_id("stl", 1)
DAY_US = 24 * 3600 * 1_000_000


def moves_of(facts: list[Recorded]) -> list[Move]:
    standing: BillBalance | None = None
    moves: list[Move] = []
    for fact in facts:
        move = evolve(standing, fact)
        if move is not None:
            moves.append(move)
            sums = together((standing.sums if standing else NOTHING, move.sums))
            standing = BillBalance(move.institution, move.settled_on, sums)
    return moves


def a_cancelled_bill() -> list[Recorded]:
    story = Story()
    settled = a_settlement(a_claim(PATIENT), own_fen=2000, aid_fen=4000)
    story.tell(SETTLEMENT, settled, SettlementCancelled(reason="wrong"))
    return story.facts()


def test_a_settled_bill_adds_what_it_came_to() -> None:
    """One bill with its sums, on its business day, under the digest of its key."""
    settled = a_cancelled_bill()[0]
    keyed = settled._replace(act=replace(settled.act, key_digest="digest"))

    (move,) = moves_of([keyed])
    assert BillTotals(1, 9000, 0, 2000, 4000, 3000) == move.sums
    assert (INSTITUTION, TODAY, TODAY, "digest") == (
        move.institution,
        move.settled_on,
        move.day,
        move.key_digest,
    )


def test_a_cancellation_takes_off_all_that_stands() -> None:
    """Its day is the Beijing day of its record; after it nothing of the bill is left."""
    settled, cancelled = a_cancelled_bill()
    later = cancelled._replace(recorded_at=cancelled.recorded_at + 30 * DAY_US)

    first, second = moves_of([settled, later])
    assert NOTHING == first.sums.plus(second.sums)
    assert (TODAY, TODAY + timedelta(days=30)) == (second.settled_on, second.day)
    assert (SettlementStatus.CANCELLED, "") == (second.status, second.key_digest)


def test_a_captured_hold_counts_for_the_day_it_was_captured() -> None:
    """Its caps count it on the day it was held; a past day does not change for it."""
    story = Story()
    captured_at = BEGAN_AT + timedelta(days=9)
    story.tell(SETTLEMENT, replace(a_settlement(a_claim(PATIENT)), settled_at=captured_at))

    (move,) = moves_of(story.facts())
    assert [TODAY + timedelta(days=9)] * 2 == [move.settled_on, move.day]


def test_a_part_takes_off_what_went_back() -> None:
    """Parts are taken off one by one and keep the bill; what is left of it goes at the end."""
    for last, status in (
        (SettlementCancelled(reason="wrong"), SettlementStatus.CANCELLED),
        (a_reversal(), SettlementStatus.REVERSED),
    ):
        story = Story()
        story.tell(SETTLEMENT, a_settlement(a_claim(PATIENT), own_fen=2000, aid_fen=4000))
        story.tell(SETTLEMENT, a_part_refund(cash_fen=3000, aid_fen=500), a_part_refund(aid_fen=1))
        story.tell(SETTLEMENT, last)
        moves = moves_of(story.facts())

        assert BillTotals(0, -3500, 0, 0, -500, -3000) == moves[1].sums
        assert BillTotals(1, 5499, 0, 2000, 3499, 0) == together(move.sums for move in moves[:3])
        assert NOTHING == together(move.sums for move in moves)
        parted = [SettlementStatus.PART_REFUNDED] * 2
        assert [SettlementStatus.SETTLED, *parted, status] == [move.status for move in moves]


def test_a_reversal_that_came_first_is_a_bill_of_nothing() -> None:
    """It is known under the key that it undid, so that a list with that key finds it."""
    story = Story()
    story.tell(SETTLEMENT, a_reversal())

    (move,) = moves_of(story.facts())
    assert (INSTITUTION, TODAY, TODAY) == (move.institution, move.settled_on, move.day)
    assert (SettlementStatus.REVERSED, "undone", NOTHING) == (
        move.status,
        move.key_digest,
        move.sums,
    )


def test_nothing_happens_before_the_bill() -> None:
    """A record from before the business day, of a clock set back, counts for that day."""
    settled, cancelled = a_cancelled_bill()
    early = cancelled._replace(recorded_at=cancelled.recorded_at - 2 * DAY_US)

    assert [date(2026, 3, 2)] * 2 == [move.day for move in moves_of([settled, early])]


def test_who_was_refused_or_never_settled_moves_nothing() -> None:
    """A refusal and a cancellation of nothing are no move."""
    story = Story()
    story.tell(SETTLEMENT, SettlementRefused(claim=a_claim(PATIENT), code="DUPLICATE_CLAIM"))
    story.tell(SETTLEMENT, SettlementCancelled(reason="wrong"))

    assert [] == moves_of(story.facts())
