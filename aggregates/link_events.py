"""What has happened to credential links (亲情账户). Frozen facts in past tense.

Names and members are the stored format, as in `events.py`. A link moves no money: no amount
is here.
"""

from dataclasses import dataclass
from datetime import datetime

from aggregates.vocabulary import LinkEvidence, Relation, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLinkOpened:
    """A guardian may show a member's code from now on. `slot` is which of his links it is."""

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    evidence_reference: str
    slot: int
    opened_at: datetime


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
