"""Request to show a member's code."""

from dataclasses import dataclass

from aggregates.account.state import Account
from aggregates.credential_link import decisions as rules
from aggregates.credential_link.evidence import RelationCheck
from aggregates.credential_link.link import evolve
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, LinkEvidence, Relation, StreamId
from service.adapters.identity_verifier import NOBODY
from service.binding.parties import party
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs
from service.credential_link.names import existing_links, names_of
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor, registered, traits_of
from service.person.lookup import find_or_stand_in
from service.person.masking import persons_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """A guardian's request, by person numbers; without a guardian it is the caller."""

    guardian: str | None
    member: str
    relation: Relation
    evidence: LinkEvidence
    reference: str


async def open_link(context: ServiceContext, request: Request, command: OpenLink) -> Reply:
    """Request to show a member's code; the link's status says what it waits for.

    Raises:
        UnknownError: the guardian has no account here, or is not the caller's; the refusals of
        `aggregates.credential_link.decisions.open_link`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault
    is_verified = await _verify(context, request.caller, command)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        guardian = party(reads, vault, request.caller, command.guardian)
        member = find_or_stand_in(reads, vault, guardian, command.member)
        born_on = traits_of(reads, vault, member).born_on
        is_parent = is_parent_of_minor(reads, vault, guardian, member, now)
        is_kin = registered(reads, vault, guardian, member) is not None
        link_request = rules.LinkRequest(
            guardian=guardian,
            member=member,
            relation=command.relation,
            evidence=command.evidence,
            reference=command.reference,
            born_on=born_on,
            check=RelationCheck(is_kin, is_parent, is_verified),
        )
        accounts = _accounts(reads, guardian, member)
        existing = existing_links(reads, vault, guardian, member)
        requested = rules.open_link(link_request, accounts, existing, now)
        link_id, link = new_stream("lnk", now.at), evolve(None, requested)
        return Decision(
            answer=LinkInputs(reads, vault, request.caller, now, link_id, link, 1).answer(),
            events=[(link_id, requested)],
            takes=dict.fromkeys(names_of(vault, link), link_id),
            on_behalf_of=guardian if request.caller.role is Role.AGENCY else None,
        )

    return await context.do(request, decide)


def _accounts(
    reads: ReadSet, guardian: StreamId, member: StreamId
) -> tuple[Account, Account | None]:
    """Both accounts. As much is read of a member who does not exist."""
    try:
        account = reads.account(member)
    except UnknownError:
        account = None
    return reads.account(guardian), account


async def _verify(context: ServiceContext, caller: Caller, command: OpenLink) -> bool | None:
    """Ask the verifier whether a face check is the member's; None without an answer.

    A stand-in is checked where there is no such person: the answer takes as long, and is no.
    """
    if context.proofs is None or command.evidence is not LinkEvidence.FACE:
        return None
    if caller.role is Role.PERSON and command.guardian not in (None, caller.subject):
        raise UnknownError
    name = context.vault.name("person_no", command.member)
    account = (await context.store.read((), (name,))).names.get(name)
    persons = await persons_of(context, () if account is None else (account,))
    person = next(iter(persons.values()), None)
    holds = await context.proofs.holds(person or NOBODY, command.evidence, command.reference)
    return holds and person is not None
