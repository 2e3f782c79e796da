"""Activate an approved link."""

from aggregates.credential_link import decisions as rules
from aggregates.vocabulary import StreamId
from service.caller import Request
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link, decision_of
from service.ledger.command import Decision, Reply
from service.person.kin import is_parent_of_minor


async def activate_link(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Activate as the guardian or an agency. Idempotent.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the caller is the
        member; the refusals of `aggregates.credential_link.decisions.activate_link`.
    """

    def decide(inputs: LinkInputs) -> Decision:
        link = inputs.link
        on_behalf_of = inputs.check_side(link.guardian)
        born_on = inputs.born_on()
        is_parent = is_parent_of_minor(
            inputs.reads, inputs.vault, link.guardian, link.member, inputs.now
        )
        event = rules.activate_link(link, born_on, inputs.now, is_parent=is_parent)
        if event is not None:
            rules.check_living(inputs.accounts())
        return decision_of(inputs, event, on_behalf_of)

    return await change_link(context, request, link_id, decide)
