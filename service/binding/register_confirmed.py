"""Register a binding that a family confirmed elsewhere, on the day it did."""

from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import json

from aggregates.binding import binding as rules
from aggregates.binding.events import Caps
from aggregates.binding.kinship import vouched
from aggregates.refusals import DateInvalidError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId, instant
from service.binding.bindings import confirmed_events
from service.binding.consents import check_consent
from service.binding.parties import Invite, kin_of, swept_side
from service.caller import Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.serializers import binding_answer

__all__ = ["Caps", "Register", "register"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """An agreement, and when both sides came to it; its `consent` is the text of both."""

    invite: Invite
    confirmed_at: datetime


async def register(context: ServiceContext, request: Request, command: Register) -> Reply:
    """Take over an already confirmed binding (agency); counted like any other.

    Raises:
        RefusalError: as inviting and confirming would; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    consent = command.invite.consent
    check_consent(consent)
    keys = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        assert command.invite.sponsor is not None, "an agency names the sponsor"
        then = instant(command.confirmed_at)
        if then.at > now.at:
            raise DateInvalidError(field="confirmed_at")
        sponsor_id = find_person(reads, keys, command.invite.sponsor)
        sponsor, lapsed = swept_side(reads, keys, sponsor_id, now)
        check_region(request.caller, sponsor.account)
        beneficiary_id = find_person(reads, keys, command.invite.beneficiary)
        beneficiary, theirs = swept_side(reads, keys, beneficiary_id, now)
        binding_id = new_stream("bnd", now.at)
        accepted = sponsor.edition.binding.kinship_evidence
        kin = kin_of(reads, keys, command.invite, (sponsor_id, beneficiary_id))
        kin = replace(kin, shown=vouched(command.invite.offer.relation, accepted))
        sent = rules.invite(command.invite.offer, kin, sponsor, beneficiary, then, consent)
        binding = rules.evolve(None, sent)
        events: list[tuple[StreamId, Event]] = [*lapsed, *theirs, (binding_id, sent)]
        events += confirmed_events(binding_id, binding, sponsor, beneficiary, then, consent)
        confirmed = rules.evolve(binding, rules.confirm(binding, sponsor, beneficiary, then))
        answer = binding_answer(binding_id, confirmed, 2, now)
        return Decision(answer=json.encode(answer), events=events)

    return await context.do(request, decide)
