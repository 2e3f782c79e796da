"""Review the document of a kinship, as the agency of the sponsor's region."""

from dataclasses import dataclass

from aggregates.account.events import SponsorUnlinked
from aggregates.binding import binding as rules
from aggregates.binding.eligibility import activation_of
from aggregates.policy.choices import Activation
from aggregates.vocabulary import Instant, StreamId
from service.binding.bindings import confirmed_events, decision_of, without_beneficiary
from service.binding.parties import Parties, current_side, may_know, sponsors_by_name
from service.caller import Request, Role, check_region, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDocument:
    """An agency's decision on the document of a kinship, and its reason."""

    is_approved: bool
    reason: str


async def review(
    context: ServiceContext, request: Request, binding_id: StreamId, command: ReviewDocument
) -> Reply:
    """Approve or reject; an approved invitation is open, or active where nobody need agree.

    Raises:
        UnknownError: no such binding, or its sponsor is not of the agency's region;
        NotInReviewError: it does not wait for a review; on approval as `rules.confirm`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        sides = Parties(binding.sponsor, binding.beneficiary)
        check_region(request.caller, reads.account(binding.sponsor))
        for account_id in sides:
            check_names_nobody(reads, vault, account_id, command.reason)
        sponsor, lapsed = current_side(reads, vault, binding.sponsor, now)
        terms = sponsor.edition.binding
        reviewed = rules.review(
            binding, terms, now, is_approved=command.is_approved, reason=command.reason
        )
        events: StreamEvents = [(binding_id, reviewed)]
        if binding.is_known and not command.is_approved:
            reads.account(binding.beneficiary)
            events.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
        elif binding.is_known and activation_of(terms, binding.relation) is Activation.SPONSOR_ONLY:
            beneficiary, of_beneficiary = current_side(reads, vault, binding.beneficiary, now)
            open_binding = rules.evolve(binding, reviewed)
            events = [*lapsed, *of_beneficiary, *events]
            names = sponsors_by_name(reads, vault, beneficiary, (binding_id, binding.sponsor))
            both = (sponsor, beneficiary)
            events += confirmed_events(binding_id, open_binding, both, names, now)
        version = reads.version(binding_id)
        decision = decision_of(binding_id, binding, version, events, now, binding.sponsor)
        is_open = may_know(reads, vault, request.caller, sides, is_known=binding.is_known)
        return decision if is_open else without_beneficiary(decision)

    return await context.do(request, decide)
