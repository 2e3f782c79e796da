"""Credential links: proofs, codes that hold, and whose patient it is."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates import credential_link as rules
from aggregates.credential_link import (
    CODES_MAX,
    CodeShown,
    CredentialLinkClosed,
    CredentialLinkOpened,
    Link,
)
from aggregates.refusals import CodeExpiredError, EvidenceInvalidError
from aggregates.vocabulary import LinkEvidence, LinkStatus, Relation, StreamId, instant
from tests.aggregates.settlement.families import NOW

GUARDIAN, MEMBER = StreamId("acc_guardian"), StreamId("acc_member")
OPENED = CredentialLinkOpened(
    guardian=GUARDIAN,
    member=MEMBER,
    relation=Relation.PARENT,
    evidence=LinkEvidence.FACE,
    evidence_reference="FACE-1",
    slot=1,
    opened_at=NOW.at,
)
CLOSED = CredentialLinkClosed(by=MEMBER, reason="told", closed_at=NOW.at)
CHILD, GROWN = date(2020, 1, 1), date(1960, 1, 1)


def shown(number: int, minutes: int = 0) -> CodeShown:
    at = NOW.at + timedelta(minutes=minutes)
    return CodeShown(
        guardian=GUARDIAN,
        member=MEMBER,
        code=f"code {number}",
        shown_at=at,
        expires_at=at + rules.CODE_LIFE,
    )


def folded(*events: rules.LinkEvent) -> Link:
    link = rules.evolve(None, OPENED)
    for event in events:
        link = rules.evolve(link, event)
    return link


@pytest.mark.parametrize("born_on", [CHILD, GROWN, None])
@pytest.mark.parametrize("kind", LinkEvidence)
def test_a_proof_needs_the_right_kind_and_its_reference(
    kind: LinkEvidence, born_on: date | None
) -> None:
    """Papers of kinship prove a child, a face proves a grown-up, and a household page both."""
    papers = {LinkEvidence.BIRTH_CERTIFICATE, LinkEvidence.NOTARISED}
    is_right = kind is LinkEvidence.HOUSEHOLD_PAGE or (kind in papers) == (born_on == CHILD)
    if is_right:
        rules.check_proof(kind, "X-1", born_on, NOW.on)
    with pytest.raises(EvidenceInvalidError) as refused:
        rules.check_proof(kind, "" if is_right else "X-1", born_on, NOW.on)

    field = "evidence.reference" if is_right else "evidence.kind"
    assert {"field": field} == refused.value.fields


@given(
    minutes=st.lists(st.integers(0, 40), max_size=12).map(sorted),
    later=st.integers(0, 20),
    is_closed=st.booleans(),
)
def test_a_code_holds_for_its_time_and_no_more_than_five_do(
    minutes: list[int], later: int, *, is_closed: bool
) -> None:
    """Of the newest five each holds for a quarter hour, and is the member's; closing ends all."""
    displays = [shown(number, at) for number, at in enumerate(minutes)]
    link = folded(*displays, *([CLOSED] if is_closed else []))
    now = instant(NOW.at + timedelta(minutes=max(minutes, default=0) + later))
    newest = [] if is_closed else displays[-CODES_MAX:]
    assert len(link.codes) <= CODES_MAX
    for display in displays:
        if display in newest and now.at <= display.expires_at:
            assert MEMBER == rules.patient_of(link, display.code, now)
        else:
            with pytest.raises(CodeExpiredError):
                rules.patient_of(link, display.code, now)


def test_a_closed_link_keeps_who_it_was_between() -> None:
    """Closing changes the status and forgets the codes, and nothing else."""
    link = folded(shown(1))

    assert (LinkStatus.ACTIVE, 1) == (link.status, len(link.codes))
    assert replace(link, codes=(), closed_at=NOW.at) == (closed := rules.evolve(link, CLOSED))
    assert LinkStatus.CLOSED is closed.status
