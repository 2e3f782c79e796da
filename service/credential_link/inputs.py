"""What a decision on an existing link reads, and how a change is answered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from msgspec import json

from aggregates.account.state import Account
from aggregates.credential_link.events import LinkEvent
from aggregates.credential_link.link import Link, evolve
from aggregates.vocabulary import Instant, StreamId
from service.binding.parties import Parties, check_side, may_know
from service.caller import Caller, Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import traits_of
from service.serializers import link_answer
from service.vault import Vault


@dataclass(frozen=True, slots=True)
class LinkInputs:
    """A link as one decision reads it for a caller."""

    reads: ReadSet
    vault: Vault
    caller: Caller
    now: Instant
    link_id: StreamId
    link: Link
    version: int

    def born_on(self) -> date | None:
        """The member's date of birth, None where unknown."""
        return traits_of(self.reads, self.vault, self.link.member).born_on

    def accounts(self) -> tuple[Account, Account]:
        """The guardian's and the member's."""
        return accounts_of(self.reads, self.link)

    def check_side(self, side: StreamId) -> StreamId | None:
        """As `service.binding.parties.check_side`."""
        return check_side(
            self.reads, self.vault, self.caller, (side, sides_of(self.link)), self.now
        )

    def answer(self) -> bytes:
        """The link in JSON; its member is null if the caller may not know of the member."""
        sides = sides_of(self.link)
        is_open = may_know(self.reads, self.vault, self.caller, sides, is_known=self.link.is_known)
        status = self.link.status_of(self.born_on(), self.now.on)
        answer = link_answer(self.link_id, self.link, status, self.version)
        return json.encode(answer if is_open else answer | {"member": None})


def read_link(
    reads: ReadSet, vault: Vault, caller: Caller, link_id: StreamId, now: Instant
) -> LinkInputs:
    """Read a link.

    Raises:
        UnknownError: there is none.
    """
    link = reads.link(link_id)
    return LinkInputs(reads, vault, caller, now, link_id, link, reads.version(link_id))


async def change_link(
    context: ServiceContext,
    request: Request,
    link_id: StreamId,
    decide: Callable[[LinkInputs], Decision],
) -> Reply:
    """Carry out a decision on a link, for a person or an agency.

    Raises:
        UnknownError: there is no such link; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide_on_link(reads: ReadSet, now: Instant) -> Decision:
        return decide(read_link(reads, context.vault, request.caller, link_id, now))

    return await context.do(request, decide_on_link)


def decision_of(
    inputs: LinkInputs, event: LinkEvent | None, on_behalf_of: StreamId | None
) -> Decision:
    """Store an event of a link and answer the link after it; None changes nothing."""
    if event is None:
        return Decision(answer=inputs.answer(), on_behalf_of=on_behalf_of)
    after = replace(inputs, link=evolve(inputs.link, event), version=inputs.version + 1)
    return Decision(
        answer=after.answer(), events=[(inputs.link_id, event)], on_behalf_of=on_behalf_of
    )


def accounts_of(reads: ReadSet, link: Link) -> tuple[Account, Account]:
    """The guardian's and the member's."""
    return reads.account(link.guardian), reads.account(link.member)


def sides_of(link: Link) -> Parties:
    """The guardian as giver, the member as taker."""
    return Parties(link.guardian, link.member)
