"""Decisions on a credential link: request, confirm, review, activate, show a code, close."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from aggregates import refusals
from aggregates.account.state import Account
from aggregates.binding.kinship import is_minor
from aggregates.credential_link import events
from aggregates.credential_link.evidence import (
    PROOF_OF_OTHERS,
    IdentityCheck,
    RelationCheck,
    check_identity,
    check_proof,
)
from aggregates.credential_link.link import WAITING, Link
from aggregates.vocabulary import Instant, LinkEvidence, LinkStatus, Relation, StreamId

SLOTS = range(1, 6)
"""A guardian has at most five links (policy.md §5); each uses one slot."""
CODE_LIFE = timedelta(minutes=15)
"""How long a shown code is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """What a guardian asks for; `born_on` is the member's, or None where unknown."""

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    reference: str
    born_on: date | None
    check: RelationCheck


class ExistingLinks(NamedTuple):
    """The guardian's open link to this member, and the slots in use."""

    pair: StreamId | None
    slots: Collection[int]


def open_link(
    request: LinkRequest,
    accounts: tuple[Account, Account | None],
    existing: ExistingLinks,
    now: Instant,
) -> events.CredentialLinkRequested:
    """Request to show a member's code; `accounts` are the guardian's and the member's.

    If the register does not have the two as relatives, neither the member's age and account nor
    whether the member exists (no account: None) has an effect. So the guardian gets the same
    answer for anybody.

    Raises:
        SelfBindingError, EvidenceInvalidError: the request is invalid; AccountEndedError,
        AlreadyLinkedError, LinkLimitError: the current state forbids it.
    """
    if request.guardian == request.member:
        raise refusals.SelfBindingError
    if request.check.is_verified is False or not request.reference:
        raise refusals.EvidenceInvalidError(field="evidence.reference")
    guardian, member = accounts
    check_living((guardian,))
    if request.check.is_kin:
        assert member is not None, "the register has insured persons only"
        check_proof(request.evidence, request.reference, request.born_on, now.on)
        check_living((member,))
    if existing.pair is not None:
        raise refusals.AlreadyLinkedError(link_id=existing.pair)
    slot = next((slot for slot in SLOTS if slot not in existing.slots), None)
    if slot is None:
        raise refusals.LinkLimitError(limit=len(SLOTS))
    return events.CredentialLinkRequested(
        guardian=request.guardian,
        member=request.member,
        relation=request.relation,
        evidence=request.evidence,
        evidence_reference=request.reference,
        is_verified=request.check.is_verified is True,
        status=_first_status(request, now.on),
        slot=slot,
        requested_at=now.at,
    )


def _first_status(request: LinkRequest, on: date) -> LinkStatus:
    """What a new link waits for. Without kinship it depends on the guardian's statement alone."""
    if request.check.is_parent:
        return LinkStatus.APPLIED
    if request.check.is_kin:
        is_of_child = is_minor(request.born_on, on)
    else:
        is_of_child = request.evidence not in PROOF_OF_OTHERS
    return LinkStatus.IN_REVIEW if is_of_child else LinkStatus.REQUESTED


def confirm_link(
    link: Link,
    accounts: tuple[Account, Account],
    born_on: date | None,
    now: Instant,
    *,
    is_own: bool,
) -> events.CredentialLinkConfirmed:
    """Agree that the guardian shows the code: the member, or a minor's parent.

    `is_own`: the member agrees in person, or an agency on the member's behalf.

    Raises:
        LinkClosedError, AccountEndedError: it is over; NotPermittedError: the member is a minor;
        NotInvitedError: the link is active already.
    """
    check_open(link)
    if is_own and is_minor(born_on, now.on):
        raise refusals.NotPermittedError
    if link.status_of(born_on, now.on) is LinkStatus.ACTIVE:
        raise refusals.NotInvitedError
    check_living(accounts)
    return events.CredentialLinkConfirmed(is_own=is_own, confirmed_at=now.at)


def review_link(
    link: Link, born_on: date | None, now: Instant, *, is_approved: bool, reason: str
) -> events.CredentialLinkReviewed:
    """Approve the evidence for a minor, or reject it for a member of any age.

    Raises:
        LinkClosedError: it is closed; NotInReviewError: nothing waits for a review;
        NotPermittedError: an adult member agrees in person.
    """
    check_open(link)
    if link.status_of(born_on, now.on) not in (*WAITING, LinkStatus.SUSPENDED):
        raise refusals.NotInReviewError
    if is_approved and not is_minor(born_on, now.on):
        raise refusals.NotPermittedError
    return events.CredentialLinkReviewed(is_approved=is_approved, reason=reason, reviewed_at=now.at)


def activate_link(
    link: Link,
    born_on: date | None,
    now: Instant,
    *,
    is_parent: bool,
    check: IdentityCheck | None = None,
    needs_check: bool = False,
) -> events.CredentialLinkActivated | None:
    """Activate a link after an agency's approval, or if the register allows it.

    `is_parent`: the register names the guardian as a parent today. None if the link is active.

    Raises:
        LinkClosedError: it is closed; NotActiveError: it is not approved; and as `check_identity`.
    """
    check_open(link)
    if link.status_of(born_on, now.on) is LinkStatus.ACTIVE:
        return None
    is_approved = link.granted is LinkStatus.APPLIED and is_minor(born_on, now.on)
    if not (is_parent or is_approved):
        raise refusals.NotActiveError
    check_identity(check, is_required=needs_check)
    if check is None:
        return events.CredentialLinkActivated(activated_at=now.at)
    return events.CredentialLinkActivated(
        activated_at=now.at, check_kind=check.kind, check_digest=check.digest
    )


def check_active(link: Link, born_on: date | None, on: date) -> None:
    """Check that the link is active on a day.

    Raises:
        LinkClosedError: it is closed; NotActiveError: it is neither closed nor active.
    """
    check_open(link)
    if link.status_of(born_on, on) is not LinkStatus.ACTIVE:
        raise refusals.NotActiveError


def show_code(
    link: Link, accounts: tuple[Account, Account], digest: str, now: Instant
) -> events.CodeShown:
    """Show the code of an active link; `digest` is the code's keyed digest in hex.

    Raises:
        AccountEndedError: one of the accounts is closed.
    """
    check_living(accounts)
    return events.CodeShown(
        guardian=link.guardian,
        member=link.member,
        code=digest,
        shown_at=now.at,
        expires_at=now.at + CODE_LIFE,
    )


def patient_of(link: Link, digest: str, born_on: date | None, now: Instant) -> StreamId:
    """The patient of a shown code: the member, never the guardian.

    Raises:
        CodeExpiredError: the code has expired or was replaced, or the link is not active.
    """
    is_valid = any(code.digest == digest and now.at <= code.expires_at for code in link.codes)
    if not is_valid or link.status_of(born_on, now.on) is not LinkStatus.ACTIVE:
        raise refusals.CodeExpiredError
    return link.member


def close(link: Link, *, by: StreamId, reason: str, now: Instant) -> events.CredentialLinkClosed:
    """Close a link; either side may, at any time.

    Raises:
        LinkClosedError: it is closed already.
    """
    check_open(link)
    return events.CredentialLinkClosed(by=by, reason=reason, closed_at=now.at)


def check_open(link: Link) -> None:
    """Check that the link is not closed.

    Raises:
        LinkClosedError: it is.
    """
    if link.closed_at is not None:
        raise refusals.LinkClosedError


def check_living(accounts: Collection[Account]) -> None:
    """Check that no account has ended.

    Raises:
        AccountEndedError: one was closed or transferred, or its owner died.
    """
    if any(account.ending is not None for account in accounts):
        raise refusals.AccountEndedError
