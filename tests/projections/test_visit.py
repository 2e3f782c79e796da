"""Visits in lists: the row is what the visit's own fold says, without a database."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregates import visit as rules
from aggregates.visit import VisitClosed, VisitDescribed, VisitRegistered, VisitReopened
from aggregates.vocabulary import Setting, VisitEnd
from projections.visit import VisitRow, evolve
from tests.projections.recorded_families import BEGAN_AT, INSTITUTION, Story, an_id

PATIENT, VISIT = an_id("acc", 1), an_id("vis", 1)
CAME = VisitRegistered(
    institution=INSTITUTION,
    beneficiary=PATIENT,
    setting=Setting.INPATIENT,
    number="IP1",
    department="内科",
    med_type="21",
    began_at=BEGAN_AT,
)
LATER = st.lists(
    st.one_of(
        st.builds(
            VisitDescribed, med_type=st.sampled_from((None, "21", "28")), diagnoses=st.just(())
        ),
        st.builds(
            VisitClosed,
            end=st.sampled_from(VisitEnd),
            at=st.integers(0, 99).map(lambda hours: BEGAN_AT + timedelta(hours=hours)),
        ),
        st.just(VisitReopened(at=BEGAN_AT)),
    ),
    max_size=8,
)


@given(LATER)
def test_the_row_is_the_visit_s_fold(later: list[rules.VisitEvent]) -> None:
    """After any events the row says of the visit what its aggregate says."""
    story = Story()
    story.tell(VISIT, CAME, *later)
    row: VisitRow | None = None
    visit: rules.Visit | None = None
    for fact in story.facts():
        row = evolve(row, fact)
        visit = rules.evolve(visit, fact.event)  # type: ignore[arg-type]

    assert row is not None
    assert visit is not None
    assert (visit.med_type, visit.end, visit.ended_at) == (row.med_type, row.ending, row.ended_at)
    assert (INSTITUTION, PATIENT, "IP1") == (row.institution, row.beneficiary, row.number)
