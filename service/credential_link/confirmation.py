"""Agree that a guardian shows a member's code."""

from aggregates.credential_link import decisions as rules
from aggregates.vocabulary import StreamId
from service.caller import Request, Role
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link, decision_of
from service.ledger.command import Decision, Reply


async def confirm_link(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Agree as the member, a minor's parent, or the agency.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the caller is the
        guardian; the refusals of `aggregates.credential_link.decisions.confirm_link`.
    """

    def decide(inputs: LinkInputs) -> Decision:
        on_behalf_of = inputs.check_side(inputs.link.member)
        is_own = request.caller.role is Role.AGENCY or on_behalf_of is None
        born_on = inputs.born_on()
        event = rules.confirm_link(
            inputs.link, inputs.accounts(), born_on, inputs.now, is_own=is_own
        )
        return decision_of(inputs, event, on_behalf_of)

    return await change_link(context, request, link_id, decide)
