"""A credential link (亲情账户): a guardian shows a member's code at the counter.

It moves no money and lends none (policy.md R203, C1): whoever shows the code, the member is
the patient, and who pays is decided by the member's bindings alone. It needs an identity
proof and no fund authorisation, and holds over all insured places (R206, R212).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.binding.kinship import age_on
from aggregates.refusals import (
    AccountEndedError,
    AlreadyLinkedError,
    CodeExpiredError,
    EvidenceInvalidError,
    LinkClosedError,
    LinkLimitError,
    SelfBindingError,
)
from aggregates.vocabulary import Instant, LinkEvidence, LinkStatus, Relation, StreamId


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
    """A link as its events left it; `codes` are those that may still hold, newest first."""

    guardian: StreamId
    member: StreamId
    relation: Relation
    slot: int
    opened_at: datetime
    codes: tuple[Code, ...] = ()
    closed_at: datetime | None = None

    @property
    def status(self) -> LinkStatus:
        """Where the link stands."""
        return LinkStatus.ACTIVE if self.closed_at is None else LinkStatus.CLOSED


LinkEvent = CredentialLinkOpened | CodeShown | CredentialLinkClosed


def evolve(link: Link | None, event: LinkEvent) -> Link:
    """Fold one event into a link. Never judges."""
    if isinstance(event, CredentialLinkOpened):
        return Link(
            guardian=event.guardian,
            member=event.member,
            relation=event.relation,
            slot=event.slot,
            opened_at=event.opened_at,
        )
    assert link is not None, "a link begins with CredentialLinkOpened"
    match event:
        case CodeShown(code=digest, shown_at=shown_at, expires_at=expires_at):
            held = [code for code in link.codes if code.expires_at >= shown_at]
            return replace(link, codes=(Code(digest, expires_at), *held)[:CODES_MAX])
        case CredentialLinkClosed(closed_at=closed_at):
            return replace(link, codes=(), closed_at=closed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a guardian asks for; `born_on` is the member's, or None where nobody knows it."""

    guardian: StreamId
    member: StreamId
    relation: Relation
    evidence: LinkEvidence
    reference: str
    born_on: date | None


class Held(NamedTuple):
    """What the guardian has already: a live link to this member, and his slots in use."""

    pair: StreamId | None
    slots: Collection[int]


def open_link(
    asked: Asked, accounts: tuple[Account, Account], held: Held, now: Instant
) -> CredentialLinkOpened:
    """Link a guardian to a member; `accounts` are the guardian's and the member's.

    Raises:
        SelfBindingError, EvidenceInvalidError: the request cannot be; AccountEndedError,
        AlreadyLinkedError, LinkLimitError: today's state forbids it.
    """
    if asked.guardian == asked.member:
        raise SelfBindingError
    check_proof(asked.evidence, asked.reference, asked.born_on, now.on)
    check_living(accounts)
    if held.pair is not None:
        raise AlreadyLinkedError(link_id=held.pair)
    slot = next((slot for slot in SLOTS if slot not in held.slots), None)
    if slot is None:
        raise LinkLimitError(limit=len(SLOTS))
    return CredentialLinkOpened(
        guardian=asked.guardian,
        member=asked.member,
        relation=asked.relation,
        evidence=asked.evidence,
        evidence_reference=asked.reference,
        slot=slot,
        opened_at=now.at,
    )


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


def show_code(
    link: Link, accounts: tuple[Account, Account], digest: str, now: Instant
) -> CodeShown:
    """Show the member's code; `digest` is the code's keyed digest in hex.

    Raises:
        LinkClosedError, AccountEndedError: there is nothing to show any more.
    """
    if link.status is LinkStatus.CLOSED:
        raise LinkClosedError
    check_living(accounts)
    return CodeShown(
        guardian=link.guardian,
        member=link.member,
        code=digest,
        shown_at=now.at,
        expires_at=now.at + CODE_LIFE,
    )


def patient_of(link: Link, digest: str, now: Instant) -> StreamId:
    """Whose code was shown: the member, never the guardian.

    Raises:
        CodeExpiredError: its time is over, newer ones took its place, or the link is closed.
    """
    if not any(code.digest == digest and now.at <= code.expires_at for code in link.codes):
        raise CodeExpiredError
    return link.member


def close(link: Link, *, by: StreamId, reason: str, now: Instant) -> CredentialLinkClosed:
    """Close a link; either side may, at any time.

    Raises:
        LinkClosedError: it is closed already.
    """
    if link.status is LinkStatus.CLOSED:
        raise LinkClosedError
    return CredentialLinkClosed(by=by, reason=reason, closed_at=now.at)


def check_living(accounts: tuple[Account, Account]) -> None:
    """Both sides take part in insurance still.

    Raises:
        AccountEndedError: one was closed or transferred, or its owner died.
    """
    if any(account.ending is not None for account in accounts):
        raise AccountEndedError
