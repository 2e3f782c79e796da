"""The events of a credential link."""

from dataclasses import dataclass
from datetime import datetime

from aggregates.vocabulary import LinkEvidence, LinkStatus, Relation, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkOpened:
    """A guardian opened a link with unchecked evidence. Recorded by older releases only.

    Those took the link as active. It now counts as suspended until the member agrees, the
    register names the guardian, or an agency reviews. `slot` numbers the guardian's links.
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
    """A guardian asks to show a member's code. `slot` numbers the guardian's links.

    `is_verified`: the verifier confirmed the evidence. `status` is what the link waits for: the
    member's consent, a review, or activation.
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
    """The member agreed (`is_own`), or a registered parent of a minor did."""

    is_own: bool
    confirmed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkReviewed:
    """The agency of the member's region reviewed the evidence; a rejection closes the link."""

    is_approved: bool
    reason: str
    reviewed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkActivated:
    """The guardian of a minor activated the link.

    `check_kind` is the kind of identity check that the verifier confirmed of the person who
    activated, `check_digest` the keyed digest of its reference in hex; None without a check.
    """

    activated_at: datetime
    check_kind: LinkEvidence | None = None
    check_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShown:
    """The guardian showed the member's code. `code` is its keyed digest in hex."""

    guardian: StreamId
    member: StreamId
    code: str
    shown_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkClosed:
    """The link ended. `by` is the side that closed it."""

    by: StreamId
    reason: str
    closed_at: datetime


LinkEvent = (
    CredentialLinkOpened
    | CredentialLinkRequested
    | CredentialLinkConfirmed
    | CredentialLinkReviewed
    | CredentialLinkActivated
    | CodeShown
    | CredentialLinkClosed
)
