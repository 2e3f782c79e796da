"""Credential links: the row is what the link's own fold says, without a database."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.credential_link import link as rules
from aggregates.credential_link.events import (
    CredentialLinkActivated,
    CredentialLinkClosed,
    CredentialLinkReviewed,
    LinkEvent,
)
from projections.credential_link import LinkRow, evolve
from tests.projections.recorded_families import (
    BEGAN_AT,
    Story,
    a_display,
    a_link,
    a_request,
    a_yes,
    an_id,
)

GUARDIAN, MEMBER, LINK = an_id("acc", 1), an_id("acc", 2), an_id("lnk", 1)

moments = st.integers(0, 900).map(lambda seconds: BEGAN_AT + timedelta(seconds=seconds))
displays = st.integers(0, 9).map(lambda number: a_display(GUARDIAN, MEMBER, f"code-{number}"))
answers = st.booleans().map(lambda is_own: a_yes(is_own=is_own))
reviews = st.builds(
    CredentialLinkReviewed, is_approved=st.booleans(), reason=st.just("seen"), reviewed_at=moments
)
activations = st.builds(CredentialLinkActivated, activated_at=moments)
closures = st.builds(
    CredentialLinkClosed,
    by=st.sampled_from((GUARDIAN, MEMBER)),
    reason=st.just("asked"),
    closed_at=moments,
)


@pytest.mark.parametrize("begins", [a_link, a_request])
@given(then=st.lists(displays | answers | reviews | activations | closures, max_size=8))
def test_the_row_is_the_link_s_fold(begins: object, then: list[LinkEvent]) -> None:
    """After any events the row says of the link what its aggregate says."""
    story = Story()
    story.tell(LINK, begins(GUARDIAN, MEMBER), *then)  # type: ignore[operator]
    row: LinkRow | None = None
    link: rules.Link | None = None
    for fact in story.facts():
        row = evolve(row, fact)
        link = rules.evolve(link, fact.event)  # type: ignore[arg-type]

    assert row is not None
    assert link is not None
    assert (1, len(story.told)) == (row.position, row.version)
    for member in ("guardian", "member", "relation", "opened_at", "closed_at", "slot"):
        assert getattr(link, member) == getattr(row, member)
    assert link.status_of(None, BEGAN_AT.date()) is row.folded().status_of(None, BEGAN_AT.date())


def test_a_display_of_nothing_is_nothing() -> None:
    """A fact that no row answers to is not judged."""
    story = Story()
    story.tell(LINK, a_display(GUARDIAN, MEMBER, "code"))

    assert evolve(None, story.facts()[0]) is None
