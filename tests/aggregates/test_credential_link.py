"""Credential links: proofs, valid codes, and the patient of a code."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.state import Account
from aggregates.credential_link import decisions as rules
from aggregates.credential_link.events import (
    CodeShown,
    CredentialLinkActivated,
    CredentialLinkClosed,
    CredentialLinkConfirmed,
    CredentialLinkOpened,
    CredentialLinkRequested,
    CredentialLinkReviewed,
    LinkEvent,
)
from aggregates.credential_link.evidence import IdentityCheck, RelationCheck, check_proof
from aggregates.credential_link.link import CODES_MAX, WAITING, Link, evolve
from aggregates.refusals import CodeExpiredError, EvidenceInvalidError
from aggregates.vocabulary import (
    Ending,
    Insurance,
    InsuranceStatus,
    LinkEvidence,
    LinkStatus,
    Relation,
    StreamId,
    instant,
)
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
REQUESTED = CredentialLinkRequested(
    guardian=GUARDIAN,
    member=MEMBER,
    relation=Relation.PARENT,
    evidence=LinkEvidence.FACE,
    evidence_reference="FACE-1",
    is_verified=False,
    status=LinkStatus.REQUESTED,
    slot=1,
    requested_at=NOW.at,
)
AGREED = CredentialLinkConfirmed(is_own=True, confirmed_at=NOW.at)
CLOSED = CredentialLinkClosed(by=MEMBER, reason="told", closed_at=NOW.at)
CHILD, GROWN = date(2020, 1, 1), date(1960, 1, 1)


def a_living_one() -> Account:
    return Account(
        region="990000",
        insurance=Insurance.EMPLOYEE,
        standing=InsuranceStatus.NORMAL,
        flags=(),
        year=2026,
    )


def a_dead_one() -> Account:
    return a_living_one()._replace(ending=Ending.DECEASED)


def shown(number: int, minutes: int = 0) -> CodeShown:
    at = NOW.at + timedelta(minutes=minutes)
    return CodeShown(
        guardian=GUARDIAN,
        member=MEMBER,
        code=f"code {number}",
        shown_at=at,
        expires_at=at + rules.CODE_LIFE,
    )


def folded(*events: LinkEvent) -> Link:
    link = evolve(None, REQUESTED)
    for event in events:
        link = evolve(link, event)
    return link


@pytest.mark.parametrize("born_on", [CHILD, GROWN, None])
@pytest.mark.parametrize("kind", LinkEvidence)
def test_a_proof_needs_the_right_kind_and_its_reference(
    kind: LinkEvidence, born_on: date | None
) -> None:
    """Kinship papers prove a child, a face an adult, a household page both."""
    papers = {LinkEvidence.BIRTH_CERTIFICATE, LinkEvidence.NOTARISED}
    is_right = kind is LinkEvidence.HOUSEHOLD_PAGE or (kind in papers) == (born_on == CHILD)
    if is_right:
        check_proof(kind, "X-1", born_on, NOW.on)
    with pytest.raises(EvidenceInvalidError) as refused:
        check_proof(kind, "" if is_right else "X-1", born_on, NOW.on)

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
    """The newest five codes are valid for 15 minutes each; closing the link ends all."""
    displays = [shown(number, at) for number, at in enumerate(minutes)]
    link = folded(AGREED, *displays, *([CLOSED] if is_closed else []))
    now = instant(NOW.at + timedelta(minutes=max(minutes, default=0) + later))
    newest = [] if is_closed else displays[-CODES_MAX:]
    assert len(link.codes) <= CODES_MAX
    for display in displays:
        if display in newest and now.at <= display.expires_at:
            assert MEMBER == rules.patient_of(link, display.code, GROWN, now)
        else:
            with pytest.raises(CodeExpiredError):
                rules.patient_of(link, display.code, GROWN, now)


def test_a_closed_link_keeps_who_it_was_between() -> None:
    """Closing changes the status and removes the codes, and nothing else."""
    link = folded(AGREED, shown(1))

    assert (LinkStatus.ACTIVE, 1) == (link.status_of(GROWN, NOW.on), len(link.codes))
    assert replace(link, codes=(), closed_at=NOW.at) == (closed := evolve(link, CLOSED))
    assert LinkStatus.CLOSED is closed.status_of(GROWN, NOW.on)


def test_an_unchecked_link_of_an_older_release_identifies_nobody() -> None:
    """A link of an older release is suspended with its codes until it is confirmed."""
    link = evolve(evolve(None, OPENED), shown(1))

    assert LinkStatus.SUSPENDED is link.status_of(GROWN, NOW.on)
    with pytest.raises(CodeExpiredError):
        rules.patient_of(link, "code 1", GROWN, NOW)
    agreed = evolve(link, AGREED)
    assert MEMBER == rules.patient_of(agreed, "code 1", GROWN, NOW)


EVENTS: dict[str, LinkEvent] = {
    "own yes": AGREED,
    "parent's yes": CredentialLinkConfirmed(is_own=False, confirmed_at=NOW.at),
    "approval": CredentialLinkReviewed(is_approved=True, reason="seen", reviewed_at=NOW.at),
    "rejection": CredentialLinkReviewed(is_approved=False, reason="seen", reviewed_at=NOW.at),
    "activation": CredentialLinkActivated(activated_at=NOW.at),
    "closure": CLOSED,
    "display": shown(1),
}


@given(
    begins=st.sampled_from((OPENED, REQUESTED)),
    then=st.lists(st.sampled_from(sorted(EVENTS)), max_size=6),
    born_on=st.sampled_from((CHILD, GROWN, None)),
)
def test_a_code_identifies_a_member_of_an_active_link_alone(
    begins: LinkEvent, then: list[str], born_on: date | None
) -> None:
    """No code of an inactive link finds the member, for events in any order."""
    link = evolve(None, begins)
    for name in then:
        link = evolve(link, EVENTS[name])
    status = link.status_of(born_on, NOW.on)

    try:
        rules.patient_of(link, "code 1", born_on, NOW)
    except CodeExpiredError:
        return
    assert LinkStatus.ACTIVE is status
    assert "own yes" in then or born_on == CHILD


@pytest.mark.parametrize("kind", LinkEvidence)
@pytest.mark.parametrize("account", [None, a_dead_one(), a_living_one()])
@pytest.mark.parametrize("born_on", [CHILD, GROWN, None])
def test_what_a_stranger_asks_depends_on_his_own_words(
    kind: LinkEvidence, account: Account | None, born_on: date | None
) -> None:
    """A stranger's request does not depend on the member's age, account or existence."""
    request = rules.LinkRequest(
        guardian=GUARDIAN,
        member=MEMBER,
        relation=Relation.PARENT,
        evidence=kind,
        reference="X-1",
        born_on=born_on,
        check=RelationCheck(is_kin=False, is_parent=False, is_verified=None),
    )
    nobody = replace(request, born_on=None)
    existing = rules.ExistingLinks(None, ())
    requested = rules.open_link(request, (a_living_one(), account), existing, NOW)

    assert requested == rules.open_link(nobody, (a_living_one(), None), existing, NOW)
    assert requested.status in WAITING


HELD = IdentityCheck(LinkEvidence.FACE, "5c" * 32, holds=True, is_used=False)
APPLIED = evolve(None, replace(REQUESTED, status=LinkStatus.APPLIED))


@pytest.mark.parametrize(
    "check",
    [None, HELD._replace(holds=False), HELD._replace(holds=None), HELD._replace(is_used=True)],
    ids=["missing", "another's", "unanswered", "used"],
)
def test_an_activation_without_a_sound_check_is_refused(check: IdentityCheck | None) -> None:
    """Where a check is needed, only one that holds and is new activates (regions.md §3)."""
    with pytest.raises(EvidenceInvalidError) as refused:
        rules.activate_link(APPLIED, CHILD, NOW, is_parent=True, check=check, needs_check=True)
    assert {"field": "identity_check"} == refused.value.fields


@pytest.mark.parametrize("needs_check", [True, False])
def test_an_activation_records_the_check(needs_check: bool) -> None:  # noqa: FBT001
    """The event has the kind and the digest; the link is active."""
    event = rules.activate_link(
        APPLIED, CHILD, NOW, is_parent=True, check=HELD, needs_check=needs_check
    )

    assert event is not None
    assert (HELD.kind, HELD.digest) == (event.check_kind, event.check_digest)
    assert LinkStatus.ACTIVE is evolve(APPLIED, event).status_of(CHILD, NOW.on)
