"""The state of a credential link, folded from its events."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from aggregates.binding.kinship import is_minor
from aggregates.credential_link import events
from aggregates.vocabulary import LinkStatus, Relation, StreamId

CODES_MAX = 5
"""Valid codes of one link at a time; a new one replaces the oldest."""
WAITING = frozenset({LinkStatus.REQUESTED, LinkStatus.IN_REVIEW})
"""In these a guardian who is no registered relative does not learn whether the member exists."""


class Code(NamedTuple):
    """A shown code: its keyed digest in hex, and its last valid moment."""

    digest: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link; `codes` are those that may still be valid, newest first.

    `granted` is the status of an open link. `is_own`: the member agreed in person. `is_known`:
    the guardian may know that the member exists. The defaults are those of a link with
    unchecked evidence.
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
        """The status on a day; `born_on` is the member's, or None where unknown.

        A link is suspended when the member comes of age, until the member agrees in person.
        """
        if self.closed_at is not None:
            return LinkStatus.CLOSED
        if self.granted is LinkStatus.ACTIVE and not (self.is_own or is_minor(born_on, on)):
            return LinkStatus.SUSPENDED
        return self.granted


def evolve(link: Link | None, event: events.LinkEvent) -> Link:
    """Fold one event into a link. Never judges."""
    if isinstance(event, events.CredentialLinkOpened | events.CredentialLinkRequested):
        return _opened(event)
    assert link is not None, "a link begins with CredentialLinkRequested"
    match event:
        case events.CredentialLinkConfirmed(is_own=is_own):
            return replace(link, granted=LinkStatus.ACTIVE, is_own=is_own, is_known=True)
        case events.CredentialLinkReviewed(is_approved=is_approved, reviewed_at=reviewed_at):
            approved = replace(link, granted=LinkStatus.APPLIED, is_known=True)
            return approved if is_approved else replace(link, closed_at=reviewed_at)
        case events.CredentialLinkActivated():
            return replace(link, granted=LinkStatus.ACTIVE, is_known=True)
        case events.CodeShown(code=digest, shown_at=shown_at, expires_at=expires_at):
            valid = [code for code in link.codes if code.expires_at >= shown_at]
            return replace(link, codes=(Code(digest, expires_at), *valid)[:CODES_MAX])
        case events.CredentialLinkClosed(closed_at=closed_at):
            return replace(link, codes=(), closed_at=closed_at)


def _opened(event: events.CredentialLinkOpened | events.CredentialLinkRequested) -> Link:
    if isinstance(event, events.CredentialLinkOpened):
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
