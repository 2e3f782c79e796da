"""Who may be bound to whom, from when and until when (policy.md §3.2, §8.2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from aggregates.account.cap_usage import NOTHING
from aggregates.account.state import Account, BeneficiaryLink, SponsorLink
from aggregates.binding.binding import Binding, Offer, confirm, decline, evolve, invite
from aggregates.policy.choices import BeneficiaryScope, EffectiveDelay, PersonFlag
from aggregates.refusals import (
    AccountEndedError,
    AlreadyBoundError,
    BeneficiaryLimitError,
    DateInvalidError,
    DualRoleForbiddenError,
    InvitationExpiredError,
    NoFundsError,
    NotInvitedError,
    PartyStatusError,
    RefusalError,
    RelationMaxError,
    RelationNotAllowedError,
    ScopeError,
    SelfBindingError,
    SponsorExcludedError,
    SponsorLimitError,
)
from aggregates.vocabulary import Ending, Insurance, InsuranceStatus, Relation, StreamId, instant
from tests.aggregates.binding.grants import (
    CHILD,
    DAY,
    DECLINED,
    NOW,
    OTHER,
    RELEASED,
    SPONSOR,
    TODAY,
    a_side,
    an_account,
    an_offer,
    confirmed,
    kin,
    sent,
)
from tests.given_when_then import given

LINK = SponsorLink(OTHER, SPONSOR, Relation.CHILD, None, NOW.at)
STRANGER = SponsorLink(OTHER, StreamId("acc_stranger"), Relation.CHILD, None, NOW.at)
SPOUSE = BeneficiaryLink(OTHER, StreamId("acc_spouse"), Relation.SPOUSE, None, NOTHING)
ARREARS = an_account(standing=InsuranceStatus.ARREARS)
FLAGGED = an_account(flags=("PUBLIC_MEDICAL_CARE",))
EXCLUDES = {"excluded_persons": (PersonFlag.PUBLIC_MEDICAL_CARE,)}
NEAR = {"beneficiary_scope": BeneficiaryScope.SAME_POOLING_REGION}

PARTIES = [
    (FLAGGED, an_account(), EXCLUDES, SponsorExcludedError),
    (an_account(), FLAGGED, EXCLUDES, SponsorExcludedError),
    (an_account(ending=Ending.CLOSED), an_account(), {}, AccountEndedError),
    (an_account(), an_account(ending=Ending.DECEASED), {}, AccountEndedError),
    (an_account(insurance=Insurance.RESIDENT), an_account(), {}, NoFundsError),
    (ARREARS, an_account(), {}, PartyStatusError),
    (an_account(), ARREARS, {}, PartyStatusError),
    (an_account(is_frozen=True), an_account(), {}, PartyStatusError),
    (an_account(), an_account(region="990100"), NEAR, ScopeError),
    (an_account(), an_account(region="880000"), {}, ScopeError),
    (an_account(), an_account(sponsors=(LINK,)), {}, AlreadyBoundError),
    (an_account(sponsors=(STRANGER,)), an_account(), {"allow_dual_role": False},
     DualRoleForbiddenError),
    (an_account(), an_account(beneficiaries=(SPOUSE,)), {"allow_dual_role": False},
     DualRoleForbiddenError),
    (an_account(beneficiaries=(SPOUSE,)), an_account(), {"max_beneficiaries_per_sponsor": 1},
     BeneficiaryLimitError),
    (an_account(), an_account(sponsors=(STRANGER,)), {"max_sponsors_per_beneficiary": 1},
     SponsorLimitError),
]  # fmt: skip
"""Sponsor, beneficiary, the region's changed terms, and the refusal of any binding."""


@pytest.mark.parametrize(("mine", "theirs", "terms", "error"), PARTIES)
def test_no_invitation_between_parties_that_cannot_be(
    mine: Account, theirs: Account, terms: dict[str, Any], error: type[RefusalError]
) -> None:
    """What forbids a binding forbids its invitation."""
    sponsor, child = a_side(SPONSOR, mine, **terms), a_side(CHILD, theirs, **terms)
    with pytest.raises(RefusalError) as refusal:
        invite(an_offer(), kin(), sponsor, child, NOW)

    assert error is type(refusal.value)


@pytest.mark.parametrize(("mine", "theirs", "terms", "error"), PARTIES)
def test_no_confirmation_between_parties_that_cannot_be(
    mine: Account, theirs: Account, terms: dict[str, Any], error: type[RefusalError]
) -> None:
    """A confirmation checks again what has changed since the invitation."""
    sponsor, child = a_side(SPONSOR, mine, **terms), a_side(CHILD, theirs, **terms)

    given(evolve, sent()).when(lambda b: confirm(b, sponsor, child, NOW)).then_refused(error)


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        (an_offer(relation=Relation.PARENT_IN_LAW), RelationNotAllowedError),
        (an_offer(relation=Relation.SPOUSE), RelationMaxError),
        (an_offer(valid_until=TODAY - DAY), DateInvalidError),
        (an_offer(valid_from=TODAY + DAY, valid_until=TODAY), DateInvalidError),
    ],
)
def test_an_offer_that_cannot_be_is_refused(offer: Offer, error: type[RefusalError]) -> None:
    """The region limits relations, their number and dates (S22, S23)."""
    married = a_side(SPONSOR, an_account(beneficiaries=(SPOUSE,)))
    with pytest.raises(RefusalError) as refusal:
        invite(offer, kin(offer.relation), married, a_side(CHILD, an_account()), NOW)

    assert error is type(refusal.value)


def test_nobody_invites_himself() -> None:
    """Nobody can be bound to themselves (S21)."""
    side = a_side(SPONSOR, an_account())
    with pytest.raises(SelfBindingError):
        invite(an_offer(), kin(), side, side, NOW)


def test_an_invitation_holds_what_was_offered_and_until_when() -> None:
    """Without dates the grant begins today; the invitation is open for the region's hours."""
    sponsor, child = a_side(SPONSOR, an_account()), a_side(CHILD, an_account())

    assert sent() == invite(an_offer(), kin(), sponsor, child, NOW)


def test_each_side_agrees_to_a_text_of_its_own() -> None:
    """Both events have the text version that their side was shown."""
    sponsor, child = a_side(SPONSOR, an_account()), a_side(CHILD, an_account())
    invitation = replace(sent(), consent="text-1")

    assert invitation == invite(an_offer(), kin(), sponsor, child, NOW, "text-1")
    given(evolve, invitation).when(lambda b: confirm(b, sponsor, child, NOW, "text-2")).then(
        replace(confirmed(), consent="text-2")
    )


@pytest.mark.parametrize(
    ("delay", "valid_from", "expected"),
    [
        (EffectiveDelay.IMMEDIATE, TODAY, TODAY),
        (EffectiveDelay.NEXT_DAY, TODAY, TODAY + DAY),
        (EffectiveDelay.IMMEDIATE, TODAY + 9 * DAY, TODAY + 9 * DAY),
        (EffectiveDelay.NEXT_DAY, TODAY + 9 * DAY, TODAY + 9 * DAY),
    ],
)
def test_a_grant_begins_when_both_region_and_sponsor_let_it(
    delay: EffectiveDelay, valid_from: date, expected: date
) -> None:
    """The grant begins on the later of the region's first day and the sponsor's (S30)."""
    sponsor = a_side(SPONSOR, an_account(), effective_delay=delay)
    child = a_side(CHILD, an_account())
    given(evolve, sent(valid_from)).when(lambda b: confirm(b, sponsor, child, NOW)).then(
        confirmed(expected)
    )


ANSWERS: list[Callable[[Binding, datetime], object]] = [
    lambda b, at: confirm(
        b, a_side(SPONSOR, an_account()), a_side(CHILD, an_account()), instant(at)
    ),
    lambda b, at: decline(b, instant(at)),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=["confirm", "decline"])
@pytest.mark.parametrize(
    ("after", "late", "error"),
    [
        ((DECLINED,), timedelta(0), NotInvitedError),
        ((confirmed(),), timedelta(0), NotInvitedError),
        ((RELEASED,), timedelta(0), NotInvitedError),
        ((), timedelta(hours=72, microseconds=1), InvitationExpiredError),
    ],
)
def test_only_an_open_invitation_is_answered(
    answer: Callable[[Binding, datetime], object],
    after: tuple[object, ...],
    late: timedelta,
    error: type[RefusalError],
) -> None:
    """An answered, released or expired invitation is not open."""
    given(evolve, sent(), *after).when(lambda b: answer(b, NOW.at + late)).then_refused(error)


def test_an_invitation_can_be_declined_to_its_last_moment() -> None:
    """At exactly 72 hours an invitation is still open."""
    last = instant(NOW.at + timedelta(hours=72))

    given(evolve, sent()).when(lambda b: decline(b, last)).then(DECLINED)
