"""Review the evidence of a link."""

from dataclasses import dataclass

from aggregates.credential_link import decisions as rules
from aggregates.vocabulary import StreamId
from service.caller import Request, Role, check_region, check_role
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link, decision_of, sides_of
from service.credential_link.names import names_of
from service.ledger.command import Decision, Reply
from service.person.free_text import check_names_nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An agency's decision on the evidence of a link, and its reason."""

    is_approved: bool
    reason: str


async def review_link(
    context: ServiceContext, request: Request, link_id: StreamId, review: Review
) -> Reply:
    """Review as the agency of the member's region; a rejection closes the link.

    Raises:
        UnknownError: no such link, or not of the agency's region; the refusals of
        `aggregates.credential_link.decisions.review_link`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(inputs: LinkInputs) -> Decision:
        reads, link = inputs.reads, inputs.link
        check_region(request.caller, reads.account(link.member))
        for account_id in sides_of(link):
            check_names_nobody(reads, inputs.vault, account_id, review.reason)
        event = rules.review_link(
            link,
            inputs.born_on(),
            inputs.now,
            is_approved=review.is_approved,
            reason=review.reason,
        )
        decision = decision_of(inputs, event, link.member)
        if not event.is_approved:
            decision.frees = set(names_of(inputs.vault, link))
        return decision

    return await change_link(context, request, link_id, decide)
