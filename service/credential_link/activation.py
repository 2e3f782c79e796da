"""Activate an approved link, by an identity check of the person who activates (regions.md §3)."""

from dataclasses import dataclass

from aggregates.credential_link import decisions as rules
from aggregates.credential_link.evidence import IdentityCheck
from aggregates.credential_link.link import Link
from aggregates.vocabulary import LinkEvidence, StreamId
from service.caller import Request, Role
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link, decision_of
from service.ledger.command import Decision, Reply
from service.person.kin import is_parent_of_minor
from service.person.masking import persons_of


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """The identity check that is shown: its kind, and the verifier's reference."""

    kind: LinkEvidence
    reference: str


async def activate_link(
    context: ServiceContext, request: Request, link_id: StreamId, shown: ShownCheck | None = None
) -> Reply:
    """Activate as the guardian or an agency. Idempotent.

    A deployment with a verifier (`GONGJI_IDENTITY_URL`) needs the guardian's check where the
    guardian himself activates; an agency sees the guardian, and may show his check. Without a
    verifier a check is not asked for, and one that is shown is not recorded. A check activates
    once: its reference is a unique name of the ledger.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the caller is the
        member; the refusals of `aggregates.credential_link.decisions.activate_link`.
    """
    vault = context.vault
    holds = await _holds(context, request, link_id, shown)
    name = None
    if context.proofs is not None and shown is not None:
        name = vault.name("identity_check", f"{shown.kind}\0{shown.reference}")

    def decide(inputs: LinkInputs) -> Decision:
        link = inputs.link
        on_behalf_of = inputs.check_side(link.guardian)
        born_on = inputs.born_on()
        is_parent = is_parent_of_minor(inputs.reads, vault, link.guardian, link.member, inputs.now)
        check = None
        if name is not None and shown is not None:
            is_used = inputs.reads.holder(name) is not None
            check = IdentityCheck(shown.kind, name.hex(), holds, is_used)
        event = rules.activate_link(
            link,
            born_on,
            inputs.now,
            is_parent=is_parent,
            check=check,
            needs_check=context.proofs is not None and request.caller.role is Role.PERSON,
        )
        if event is not None:
            rules.check_living(inputs.accounts())
        decision = decision_of(inputs, event, on_behalf_of)
        if event is not None and name is not None:
            decision.takes = {name: link_id}
        return decision

    return await change_link(context, request, link_id, decide)


async def _holds(
    context: ServiceContext, request: Request, link_id: StreamId, shown: ShownCheck | None
) -> bool | None:
    """The verifier's answer on the guardian, who is the caller or whom an agency acts for."""
    if context.proofs is None or shown is None:
        return None
    account: StreamId | None
    if request.caller.role is Role.PERSON:
        name = context.vault.name("person_no", request.caller.subject)
        account = (await context.store.read((), (name,))).names.get(name)
    else:
        link = (await context.store.read((link_id,), ())).heads[link_id].state
        account = link.guardian if isinstance(link, Link) else None
    persons = await persons_of(context, () if account is None else (account,))
    person = next(iter(persons.values()), None)
    if person is None:
        return None
    return await context.proofs.holds(person, shown.kind, shown.reference)
