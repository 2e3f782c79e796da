"""Register a binding that was confirmed elsewhere, with the time of its confirmation."""

from dataclasses import dataclass, replace
from datetime import datetime

from aggregates.binding import binding as rules
from aggregates.binding.binding import Kin
from aggregates.binding.eligibility import Side
from aggregates.binding.kinship import agency_evidence
from aggregates.refusals import DateInvalidError
from aggregates.vocabulary import Instant, instant
from service.binding.bindings import confirmed_events, decision_of
from service.binding.consents import check_consent
from service.binding.parties import Invite, current_side, kin_of, sponsors_by_name
from service.caller import Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A binding, and when both sides agreed; the `consent` of `invite` is both sides'."""

    invite: Invite
    confirmed_at: datetime


async def register(context: ServiceContext, request: Request, command: Register) -> Reply:
    """Register a confirmed binding (agency). All limits apply.

    Raises:
        RefusalError: as `invite` and `confirm`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    consent = command.invite.consent
    check_consent(consent)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        assert command.invite.sponsor is not None, "an agency names the sponsor"
        then = instant(command.confirmed_at)
        if then.at > now.at:
            raise DateInvalidError(field="confirmed_at")
        sponsor_id = find_person(reads, vault, command.invite.sponsor)
        sponsor, of_sponsor = current_side(reads, vault, sponsor_id, now)
        check_region(request.caller, sponsor.account)
        assert isinstance(command.invite.beneficiary, str), "a line has person numbers"
        beneficiary_id = find_person(reads, vault, command.invite.beneficiary)
        beneficiary, of_beneficiary = current_side(reads, vault, beneficiary_id, now)
        binding_id = new_stream("bnd", now.at)
        kin = kin_of(reads, vault, command.invite, (sponsor_id, beneficiary_id))
        kin = _checked(kin, sponsor, command)
        sent = rules.invite(command.invite.offer, kin, sponsor, beneficiary, then, consent)
        binding = rules.evolve(None, sent)
        names = sponsors_by_name(reads, vault, beneficiary, (binding_id, sponsor_id))
        confirmed = confirmed_events(
            binding_id, binding, (sponsor, beneficiary), names, then, consent
        )
        events = [*of_sponsor, *of_beneficiary, (binding_id, sent), *confirmed]
        return decision_of(binding_id, None, 0, events, now, None)

    return await context.do(request, decide)


def _checked(kin: Kin, sponsor: Side, command: Register) -> Kin:
    """The kinship as an agency checked it; KinshipContradictedError against the register."""
    accepted = sponsor.edition.binding.kinship_evidence
    relation = command.invite.offer.relation
    return replace(kin, shown=agency_evidence(relation, kin.shown.registered, accepted))
