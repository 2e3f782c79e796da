"""Close a link."""

from aggregates.credential_link import decisions as rules
from aggregates.vocabulary import StreamId
from service.binding.parties import acting_side
from service.caller import Request
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link, decision_of, sides_of
from service.credential_link.names import names_of
from service.ledger.command import Decision, Reply


async def close_link(
    context: ServiceContext, request: Request, link_id: StreamId, reason: str
) -> Reply:
    """Close as either side, a minor member's parent, or an agency. Its codes expire with it.

    Raises:
        UnknownError: no such link, or not the caller's; LinkClosedError: it is closed; the rest
        as `Appender.submit`.
    """

    def decide(inputs: LinkInputs) -> Decision:
        reads, vault, link, now = inputs.reads, inputs.vault, inputs.link, inputs.now
        acting = acting_side(reads, vault, request.caller, sides_of(link), now)
        event = rules.close(link, by=acting.side, reason=reason, now=now)
        decision = decision_of(inputs, event, acting.on_behalf_of)
        decision.frees = set(names_of(vault, link))
        return decision

    return await change_link(context, request, link_id, decide)
