"""Corrections in lists: the row is what the correction's own fold says."""

import pytest

from aggregates.account import correction as rules
from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.vocabulary import Bucket
from projections.account.corrections import CorrectionRow, evolve
from tests.projections.recorded_families import TODAY, Story, an_id

ACCOUNT, CORRECTION = an_id("acc", 1), an_id("cor", 1)
PROPOSED = CorrectionProposed(
    account=ACCOUNT,
    bucket=Bucket.CURRENT,
    amount_fen=-1200,
    reason="记重",
    reference=None,
    by="agency:a1",
    on=TODAY,
)
APPROVED = CorrectionApproved(by="agency:a9", bucket=Bucket.CURRENT)
REJECTED = CorrectionRejected(by="agency:a9", reason="凭证不符")


@pytest.mark.parametrize("decided", [(), (APPROVED,), (REJECTED,)])
def test_the_row_is_the_correction_s_fold(decided: tuple[rules.CorrectionEvent, ...]) -> None:
    """It stands where its aggregate says, and keeps the position of its proposal."""
    story = Story()
    story.tell(CORRECTION, PROPOSED, *decided)
    row: CorrectionRow | None = None
    correction: rules.Correction | None = None
    for fact in story.facts():
        row = evolve(row, fact)
        correction = rules.evolve(correction, fact.event)  # type: ignore[arg-type]

    assert row is not None
    assert correction is not None
    assert (CORRECTION, 1, ACCOUNT, correction.status) == row


def test_a_decision_without_its_proposal_makes_no_row() -> None:
    """Nothing is made up of a correction whose beginning was not seen."""
    story = Story()
    story.tell(CORRECTION, APPROVED, REJECTED)

    assert [None, None] == [evolve(None, fact) for fact in story.facts()]
