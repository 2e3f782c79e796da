"""Settlements: what each event makes of a bill's row, without a database."""

import pytest

from aggregates.settlement.events import (
    PartRefunded,
    SettlementCancelled,
    SettlementRefused,
    SettlementReversed,
)
from aggregates.vocabulary import BEIJING, SettlementStatus
from projections.settlement.settlements import SettlementRow, evolve
from service.ledger.codec import Recorded
from tests.projections.recorded_families import (
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


def test_a_part_refunded_bill_shows_what_stays() -> None:
    """Every refund makes the bill and its payers' parts smaller; the fund's part stays."""
    story = Story()
    settled = a_settlement(a_claim(PATIENT), own_fen=2000, aid_fen=4000)
    refunds = (a_part_refund(aid_fen=500, cash_fen=3000), a_part_refund(aid_fen=100))
    story.tell(SETTLEMENT, settled, *refunds)

    row = row_of(story.facts())

    assert row is not None
    assert (SettlementStatus.PART_REFUNDED, 1, 3) == (row.status, row.position, row.version)
    assert (5400, 2000, 3400, 0) == (row.total_fen, row.own_fen, row.aid_fen, row.cash_fen)
    assert row.total_fen == row.fund_pay_fen + row.own_fen + row.aid_fen + row.cash_fen
    assert row.cancelled_at is None


def test_a_reversed_bill_is_gone_like_a_cancelled_one() -> None:
    """A reversal says when the bill was taken back, and leaves what was taken back to be read."""
    story = Story()
    settled = a_settlement(a_claim(PATIENT))
    story.tell(SETTLEMENT, settled, a_part_refund(cash_fen=3000), a_reversal())

    row = row_of(story.facts())

    assert row is not None
    assert (SettlementStatus.REVERSED, 3) == (row.status, row.version)
    assert (6000, BEGAN_US + 3_000_000) == (row.total_fen, row.cancelled_at)


@pytest.mark.parametrize(
    "event", [SettlementCancelled(reason="wrong"), a_reversal(), a_part_refund(own_fen=1)]
)
def test_what_follows_nothing_is_nothing(
    event: PartRefunded | SettlementCancelled | SettlementReversed,
) -> None:
    """A fact that no row answers to is not judged: a tombstone has no claim to be listed by."""
    story = Story()
    story.tell(SETTLEMENT, event)

    assert row_of(story.facts()) is None
