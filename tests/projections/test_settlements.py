"""Settlements: what each event makes of a bill's row, without a database."""

from aggregates.settlement_events import SettlementCancelled, SettlementRefused
from aggregates.vocabulary import BEIJING, SettlementStatus
from projections.settlements import SettlementRow, evolve
from service.ledger.rows import Recorded
from tests.projections.lives import (
    BEGAN_US,
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


def row_of(facts: list[Recorded]) -> SettlementRow | None:
    row = None
    for fact in facts:
        row = evolve(row, fact)
    return row


def test_a_settled_bill_shows_its_split() -> None:
    """Institution, patient, day and the three parts of the bill are the event's."""
    story = Story()
    story.tell(SETTLEMENT, a_settlement(a_claim(PATIENT), own_fen=2000, aid_fen=4000))

    row = row_of(story.facts())

    assert row is not None
    assert (INSTITUTION, PATIENT, TODAY) == (row.institution, row.beneficiary, row.day)
    assert (9000, 2000, 4000, 3000) == (row.total_fen, row.own_fen, row.aid_fen, row.cash_fen)


def test_a_cancelled_bill_keeps_its_place() -> None:
    """A cancellation changes the status and says when; where it was decided stays."""
    story = Story()
    story.tell(SETTLEMENT, a_settlement(a_claim(PATIENT)), SettlementCancelled(reason="wrong"))

    row = row_of(story.facts())

    assert row is not None
    assert (SettlementStatus.CANCELLED, 1, 2) == (row.status, row.position, row.version)
    assert BEGAN_US + 2_000_000 == row.cancelled_at


def test_a_bill_taken_back_in_part_or_reversed_says_so() -> None:
    """The status is the newest; what was decided stays as it was."""
    story = Story()
    story.tell(SETTLEMENT, a_settlement(a_claim(PATIENT)), a_part_refund(cash_fen=1))
    parted = row_of(story.facts())
    story.tell(SETTLEMENT, a_reversal())
    undone = row_of(story.facts())

    assert parted is not None
    assert undone is not None
    assert (SettlementStatus.PART_REFUNDED, 2) == (parted.status, parted.version)
    assert (SettlementStatus.REVERSED, 3) == (undone.status, undone.version)
    assert (9000, None) == (undone.total_fen, undone.cancelled_at)


def test_a_refused_bill_counts_for_the_day_it_was_recorded() -> None:
    """A refusal has no business day of its own: the Beijing day of its record is taken."""
    story = Story()
    story.tell(SETTLEMENT, SettlementRefused(claim=a_claim(PATIENT), code="DUPLICATE_CLAIM"))
    (fact,) = story.facts()
    before_midnight_utc = BEGAN_US + 15 * 3600 * 1_000_000

    row = row_of([fact._replace(recorded_at=before_midnight_utc)])

    assert row is not None
    assert (SettlementStatus.REFUSED, "DUPLICATE_CLAIM") == (row.status, row.refusal)
    assert TODAY.replace(day=3) == row.day
    assert BEIJING.utcoffset(None).total_seconds() == 8 * 3600


def test_a_visit_with_an_unwelcome_character_is_kept() -> None:
    """A recorded NUL, which no text of the database holds, is replaced and stops nothing."""
    story = Story()
    story.tell(SETTLEMENT, a_settlement(a_claim(PATIENT, visit="a\0b")))

    row = row_of(story.facts())

    assert row is not None
    assert "a\N{REPLACEMENT CHARACTER}b" == row.visit


def test_a_cancellation_of_nothing_is_nothing() -> None:
    """A fact that no row answers to is not judged."""
    story = Story()
    story.tell(SETTLEMENT, SettlementCancelled(reason="wrong"))

    assert row_of(story.facts()) is None
