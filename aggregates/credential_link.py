"""A credential link (亲情账户): a guardian shows a member's code at the counter.

It moves no money and lends none (policy.md R203, C1): whoever shows the code, the member is
the patient, and who pays is decided by the member's bindings alone. It needs an identity
proof and no fund authorisation, and holds over all insured places (R206, R212).

Evidence is never taken as said (regions.md §3). An adult member agrees himself. For a minor the
kinship register names the guardian as a parent, or an agency reviews the document; the guardian
then activates the link. Until it is active no code is shown and none identifies a patient.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.binding.kinship import age_on, is_minor
from aggregates.refusals import (
    AccountEndedError,
    AlreadyLinkedError,
    CodeExpiredError,
    EvidenceInvalidError,
    LinkClosedError,
    LinkLimitError,
    NotActiveError,
    NotInReviewError,
    NotInvitedError,
    NotPermittedError,
    SelfBindingError,
)
from aggregates.vocabulary import Instant, LinkEvidence, LinkStatus, Relation, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkOpened:
    """A guardian said that he may show a member's code. Nobody checked his evidence.

    Older releases recorded it and took the link as active; now such a link is suspended until
    the member agrees, the register names the guardian, or an agency reviews. `slot` is which of
    the guardian's links it is.
    """

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    evidence_reference: str
    slot: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkRequested:
    """A guardian asks to show a member's code. `slot` is which of his links it is.

    `is_verified` tells that the verifier confirmed the evidence. `status` is what the link waits
    for: the member's yes, a review, or its activation.
    """

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    evidence_reference: str
    is_verified: bool
    status: LinkStatus
    slot: int
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkConfirmed:
    """The member agreed, or for one under age a registered parent; `is_own` tells which."""

    is_own: bool
    confirmed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkReviewed:
    """The agency of the member's region looked at the evidence; a rejection closes the link."""

    is_approved: bool
    reason: str
    reviewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkActivated:
    """The guardian of a member under age took the link into use."""

    activated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShown:
    """The member's code was shown by the guardian. `code` is its keyed digest in hex."""

    guardian: StreamId
    member: StreamId
    code: str
    shown_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkClosed:
    """The guardian shows the member's code no more. `by` is the side that closed the link."""

    by: StreamId
    reason: str
    closed_at: datetime


SLOTS = range(1, 6)
"""A guardian has at most five links (policy.md §5); each takes one of these."""
CODE_LIFE = timedelta(minutes=15)
"""How long a shown code holds."""
CODES_MAX = 5
"""Codes of one link that hold at once; a newer one takes the place of the oldest."""
CHILD_UNTIL = 16
"""Years of age up to which a member is proven by papers of his kinship (policy.md §5)."""
PROOF_OF_CHILD = frozenset(
    {LinkEvidence.BIRTH_CERTIFICATE, LinkEvidence.HOUSEHOLD_PAGE, LinkEvidence.NOTARISED}
)
PROOF_OF_OTHERS = frozenset({LinkEvidence.HOUSEHOLD_PAGE, LinkEvidence.FACE})


class Code(NamedTuple):
    """A code that was shown: its keyed digest in hex, and its last moment."""

    digest: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as its events left it; `codes` are those that may still hold, newest first.

    `granted` is where it stands while it is open. `is_own` tells that the member himself agreed.
    `is_known` tells that the guardian may know whether there is such a member. The defaults are
    those of a link whose evidence nobody checked.
    """

    guardian: StreamId
    member: StreamId
    relation: Relation
    slot: int
    opened_at: datetime
    codes: tuple[Code, ...] = ()
    closed_at: datetime | None = None
    granted: LinkStatus = LinkStatus.SUSPENDED
    is_own: bool = False
    is_known: bool = True

    def status_of(self, born_on: date | None, on: date) -> LinkStatus:
        """Where the link stands on a day; `born_on` is the member's, or None where unknown."""
        if self.closed_at is not None:
            return LinkStatus.CLOSED
        return standing(self.granted, born_on, on, is_own=self.is_own)


def standing(granted: LinkStatus, born_on: date | None, on: date, *, is_own: bool) -> LinkStatus:
    """Where an open link stands: who came of age is asked himself before it goes on."""
    if granted is LinkStatus.ACTIVE and not (is_own or is_minor(born_on, on)):
        return LinkStatus.SUSPENDED
    return granted


LinkEvent = (
    CredentialLinkOpened
    | CredentialLinkRequested
    | CredentialLinkConfirmed
    | CredentialLinkReviewed
    | CredentialLinkActivated
    | CodeShown
    | CredentialLinkClosed
)
WAITING = frozenset({LinkStatus.REQUESTED, LinkStatus.IN_REVIEW})
"""Of these a guardian who is no registered relative does not learn whether there is a member."""


def evolve(link: Link | None, event: LinkEvent) -> Link:
    """Fold one event into a link. Never judges."""
    if isinstance(event, CredentialLinkOpened | CredentialLinkRequested):
        return _begun(event)
    assert link is not None, "a link begins with CredentialLinkRequested"
    match event:
        case CredentialLinkConfirmed(is_own=is_own):
            return replace(link, granted=LinkStatus.ACTIVE, is_own=is_own, is_known=True)
        case CredentialLinkReviewed(is_approved=is_approved, reviewed_at=reviewed_at):
            closed_at = None if is_approved else reviewed_at
            granted = LinkStatus.APPLIED if is_approved else link.granted
            is_known = is_approved or link.is_known
            return replace(link, granted=granted, is_known=is_known, closed_at=closed_at)
        case CredentialLinkActivated():
            return replace(link, granted=LinkStatus.ACTIVE, is_known=True)
        case CodeShown(code=digest, shown_at=shown_at, expires_at=expires_at):
            held = [code for code in link.codes if code.expires_at >= shown_at]
            return replace(link, codes=(Code(digest, expires_at), *held)[:CODES_MAX])
        case CredentialLinkClosed(closed_at=closed_at):
            return replace(link, codes=(), closed_at=closed_at)


def _begun(event: CredentialLinkOpened | CredentialLinkRequested) -> Link:
    if isinstance(event, CredentialLinkOpened):
        granted, opened_at = LinkStatus.SUSPENDED, event.opened_at
    else:
        granted, opened_at = event.status, event.requested_at
    return Link(
        guardian=event.guardian,
        member=event.member,
        relation=event.relation,
        slot=event.slot,
        opened_at=opened_at,
        granted=granted,
        is_known=granted not in WAITING,
    )


class Tie(NamedTuple):
    """What is known between the two beside the guardian's word.

    `is_kin`: the register knows them as relatives. `is_parent`: it names the guardian as a
    parent of the member, who is under age. `is_verified`: the verifier's answer on the evidence,
    None where nobody answered.
    """

    is_kin: bool
    is_parent: bool
    is_verified: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """What a guardian asks for; `born_on` is the member's, or None where nobody knows it."""

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    reference: str
    born_on: date | None
    tie: Tie


class ExistingLinks(NamedTuple):
    """What the guardian has already: a live link to this member, and his slots in use."""

    pair: StreamId | None
    slots: Collection[int]


def open_link(
    asked: LinkRequest, accounts: tuple[Account, Account | None], held: ExistingLinks, now: Instant
) -> CredentialLinkRequested:
    """Ask to show a member's code; `accounts` are the guardian's and the member's.

    Whom the register does not know as the guardian's relative is not looked at: not his age,
    his account, nor whether there is such a person, whose account then is None. So the guardian
    learns the same of everybody.

    Raises:
        SelfBindingError, EvidenceInvalidError: the request cannot be; AccountEndedError,
        AlreadyLinkedError, LinkLimitError: today's state forbids it.
    """
    if asked.guardian == asked.member:
        raise SelfBindingError
    if asked.tie.is_verified is False or not asked.reference:
        raise EvidenceInvalidError(field="evidence.reference")
    guardian, member = accounts
    check_living((guardian,))
    if asked.tie.is_kin:
        assert member is not None, "the register knows insured persons alone"
        check_proof(asked.evidence, asked.reference, asked.born_on, now.on)
        check_living((member,))
    if held.pair is not None:
        raise AlreadyLinkedError(link_id=held.pair)
    slot = next((slot for slot in SLOTS if slot not in held.slots), None)
    if slot is None:
        raise LinkLimitError(limit=len(SLOTS))
    return CredentialLinkRequested(
        guardian=asked.guardian,
        member=asked.member,
        relation=asked.relation,
        evidence=asked.evidence,
        evidence_reference=asked.reference,
        is_verified=asked.tie.is_verified is True,
        status=_begins_as(asked, now.on),
        slot=slot,
        requested_at=now.at,
    )


def _begins_as(asked: LinkRequest, on: date) -> LinkStatus:
    """What a new link waits for. To strangers it depends on their own words alone."""
    if asked.tie.is_parent:
        return LinkStatus.APPLIED
    if asked.tie.is_kin:
        return LinkStatus.IN_REVIEW if is_minor(asked.born_on, on) else LinkStatus.REQUESTED
    is_of_child = asked.evidence not in PROOF_OF_OTHERS
    return LinkStatus.IN_REVIEW if is_of_child else LinkStatus.REQUESTED


def confirm_link(
    link: Link,
    accounts: tuple[Account, Account],
    born_on: date | None,
    now: Instant,
    *,
    is_own: bool,
) -> CredentialLinkConfirmed:
    """Agree that the guardian shows the code: the member, or a parent of one under age.

    `is_own` tells that the member agrees himself, or an agency for him.

    Raises:
        LinkClosedError, AccountEndedError: there is nothing to agree to any more;
        NotPermittedError: the member is under age; NotInvitedError: it was agreed to before.
    """
    check_open(link)
    if is_own and is_minor(born_on, now.on):
        raise NotPermittedError
    if link.status_of(born_on, now.on) is LinkStatus.ACTIVE:
        raise NotInvitedError
    check_living(accounts)
    return CredentialLinkConfirmed(is_own=is_own, confirmed_at=now.at)


def review_link(
    link: Link, born_on: date | None, now: Instant, *, is_approved: bool, reason: str
) -> CredentialLinkReviewed:
    """Judge the evidence for a member under age; anybody's may be rejected.

    Raises:
        LinkClosedError: it is closed; NotInReviewError: nothing waits for a review;
        NotPermittedError: the member is of age, so he agrees himself.
    """
    check_open(link)
    if link.status_of(born_on, now.on) not in (*WAITING, LinkStatus.SUSPENDED):
        raise NotInReviewError
    if is_approved and not is_minor(born_on, now.on):
        raise NotPermittedError
    return CredentialLinkReviewed(is_approved=is_approved, reason=reason, reviewed_at=now.at)


def activate_link(
    link: Link, born_on: date | None, now: Instant, *, is_parent: bool
) -> CredentialLinkActivated | None:
    """Take a link into use that an agency approved, or the register's word allows.

    `is_parent` is the register's word of today. None where the link is active already.

    Raises:
        LinkClosedError: it is closed; NotActiveError: nobody approved it yet.
    """
    check_open(link)
    if link.status_of(born_on, now.on) is LinkStatus.ACTIVE:
        return None
    is_approved = link.granted is LinkStatus.APPLIED and is_minor(born_on, now.on)
    if not (is_parent or is_approved):
        raise NotActiveError
    return CredentialLinkActivated(activated_at=now.at)


def check_proof(kind: LinkEvidence, reference: str, born_on: date | None, on: date) -> None:
    """Who is over 16 is proven by his household page or his face, a child by papers (§5).

    Whose birth is not known counts as over 16.

    Raises:
        EvidenceInvalidError: not of a kind that this member's age takes, or without reference.
    """
    is_child = born_on is not None and age_on(born_on, on) <= CHILD_UNTIL
    if kind not in (PROOF_OF_CHILD if is_child else PROOF_OF_OTHERS):
        raise EvidenceInvalidError(field="evidence.kind")
    if not reference:
        raise EvidenceInvalidError(field="evidence.reference")


def check_active(link: Link, born_on: date | None, on: date) -> None:
    """The link is active on a day.

    Raises:
        LinkClosedError: it is closed; NotActiveError: it is not active yet, or not any more.
    """
    check_open(link)
    if link.status_of(born_on, on) is not LinkStatus.ACTIVE:
        raise NotActiveError


def show_code(
    link: Link, accounts: tuple[Account, Account], digest: str, now: Instant
) -> CodeShown:
    """Show the code of an active link; `digest` is the code's keyed digest in hex.

    Raises:
        AccountEndedError: there is nothing to show any more.
    """
    check_living(accounts)
    return CodeShown(
        guardian=link.guardian,
        member=link.member,
        code=digest,
        shown_at=now.at,
        expires_at=now.at + CODE_LIFE,
    )


def patient_of(link: Link, digest: str, born_on: date | None, now: Instant) -> StreamId:
    """Whose code was shown: the member, never the guardian.

    Raises:
        CodeExpiredError: its time is over, newer ones took its place, or the link is not active.
    """
    holds = any(code.digest == digest and now.at <= code.expires_at for code in link.codes)
    if not holds or link.status_of(born_on, now.on) is not LinkStatus.ACTIVE:
        raise CodeExpiredError
    return link.member


def close(link: Link, *, by: StreamId, reason: str, now: Instant) -> CredentialLinkClosed:
    """Close a link; either side may, at any time.

    Raises:
        LinkClosedError: it is closed already.
    """
    check_open(link)
    return CredentialLinkClosed(by=by, reason=reason, closed_at=now.at)


def check_open(link: Link) -> None:
    """The link is not closed.

    Raises:
        LinkClosedError: it is.
    """
    if link.closed_at is not None:
        raise LinkClosedError


def check_living(accounts: Collection[Account]) -> None:
    """Whose accounts these are take part in insurance still.

    Raises:
        AccountEndedError: one was closed or transferred, or its owner died.
    """
    if any(account.ending is not None for account in accounts):
        raise AccountEndedError
