"""Bindings: the row is what the binding's own fold says, without a database."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregates.binding import binding as rules
from aggregates.binding.events import (
    BindingReleased,
    Caps,
    DocumentReviewed,
    GrantChanged,
    InvitationDeclined,
)
from aggregates.vocabulary import BindingStatus, Use
from projections.binding import BindingRow, evolve
from tests.projections.recorded_families import (
    BEGAN_AT,
    TODAY,
    Story,
    a_confirmation,
    an_id,
    an_invitation,
)

SPONSOR, BENEFICIARY, BINDING = an_id("acc", 1), an_id("acc", 2), an_id("bnd", 1)

days = st.none() | st.integers(-400, 400).map(lambda days: TODAY + timedelta(days=days))
fen = st.none() | st.integers(0, 10**15)
changes = st.one_of(
    st.just(a_confirmation()),
    st.just(InvitationDeclined()),
    st.builds(
        DocumentReviewed,
        is_approved=st.booleans(),
        reason=st.just("seen"),
        reviewed_at=st.just(BEGAN_AT),
        expires_at=st.just(BEGAN_AT + timedelta(hours=72)),
    ),
    st.builds(
        GrantChanged,
        uses=st.sets(st.sampled_from(Use)).map(tuple),
        caps=st.builds(Caps, per_settlement_fen=fen, per_day_fen=fen, per_year_fen=fen),
        valid_until=days,
    ),
    st.builds(
        BindingReleased,
        status=st.sampled_from((BindingStatus.RELEASED, BindingStatus.ENDED)),
        reason=st.just("asked"),
        last_on=days,
    ),
)


@given(st.lists(changes, max_size=8), days)
def test_the_row_is_the_binding_s_fold(
    changed: list[rules.BindingEvent], review_until: date | None
) -> None:
    """After any events the row says of the binding what its aggregate says."""
    story = Story()
    invitation = replace(an_invitation(SPONSOR, BENEFICIARY), review_until=review_until)
    story.tell(BINDING, invitation, *changed)
    row: BindingRow | None = None
    binding: rules.Binding | None = None
    for fact in story.facts():
        row = evolve(row, fact)
        binding = rules.evolve(binding, fact.event)  # type: ignore[arg-type]

    assert row is not None
    assert binding is not None
    assert (1, 1 + len(changed)) == (row.position, row.version)
    for member in ("sponsor", "beneficiary", "relation", "uses", "caps", "status", "valid_from"):
        assert getattr(binding, member) == getattr(row, member)
    for member in ("valid_until", "active_from", "expires_at", "last_on", "review_until"):
        assert getattr(binding, member) == getattr(row, member)


def test_a_confirmation_of_nothing_is_nothing() -> None:
    """A fact that no row answers to is not judged."""
    story = Story()
    story.tell(BINDING, a_confirmation())

    assert evolve(None, story.facts()[0]) is None
