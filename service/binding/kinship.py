"""Entries of the kinship register, and their confirmation by another region's agency."""

from contextlib import suppress
from dataclasses import dataclass

from msgspec import json

from aggregates.binding.events import InvitationSent
from aggregates.binding.kinship import (
    INVERSE,
    KinshipConfirmed,
    KinshipRecorded,
    agrees,
    from_side,
)
from aggregates.refusals import SelfBindingError, UnknownError
from aggregates.vocabulary import Instant, KinshipEvidence, Relation, StreamId
from service.binding.ending import end_binding
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, OverloadedError, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import kin_name, registered
from service.person.lookup import find_or_stand_in
from service.vault import Vault

READ_AGAIN_MAX = 5
CONTRADICTED = "KINSHIP_CONTRADICTED"
"""Why a binding ended that rested on a promise."""


class EvidenceUnreadError(Exception):
    """A decision needs the evidence of a binding, which is in its history only."""

    def __init__(self, binding: StreamId) -> None:
        super().__init__()
        self.binding = binding


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKinship:
    """A kinship: what `relative` is to `person_no`."""

    person_no: str
    relative: str
    relation: Relation


async def record_kinship(context: ServiceContext, request: Request, fact: RecordKinship) -> Reply:
    """Enter a kinship, on both persons' streams (agency).

    An agency decides for the persons of its region. A person of another region must have been
    confirmed by that region's agency; otherwise the answer is as for an unknown person, and
    nothing is stored. The nation's agency, an operator's import and the registry decide for both.
    A binding that rests on a promise of another relation ends: the register's word wins.

    Raises:
        UnknownError: one of the two has no account here, or is of another region whose agency did
        not confirm; SelfBindingError: they are the same person; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault
    evidence: dict[StreamId, KinshipEvidence] = {}

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own_persons, kin = _kinship_of(reads, vault, request.caller, fact)
        for other in {kin.person, kin.relative} - own_persons:
            if not _is_agreed(reads, vault, other, kin):
                raise UnknownError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        _record(reads, vault, decision, kin, now)
        facts = [kin]
        inverse = INVERSE.get(fact.relation)
        if inverse is not None:
            back = KinshipRecorded(person=kin.relative, relative=kin.person, relation=inverse)
            _record(reads, vault, decision, back, now)
            facts.append(back)
        for binding_id in _contradicted(reads, facts, evidence):
            decision.events += end_binding(reads, binding_id, CONTRADICTED, now.on)
        return decision

    for _ in range(READ_AGAIN_MAX):
        try:
            return await context.do(request, decide)
        except EvidenceUnreadError as unread:
            evidence[unread.binding] = await _evidence_of(context, unread.binding)
    raise OverloadedError


def _contradicted(
    reads: ReadSet, facts: list[KinshipRecorded], evidence: dict[StreamId, KinshipEvidence]
) -> list[StreamId]:
    """The bindings of the two that rest on a promise of another relation.

    Raises:
        EvidenceUnreadError: the evidence of a binding was not read yet.
    """
    contradicted: list[StreamId] = []
    for fact in facts:
        for link in reads.account(fact.person).beneficiaries:
            if link.beneficiary != fact.relative or agrees(link.relation, fact.relation):
                continue
            if link.binding not in evidence:
                raise EvidenceUnreadError(link.binding)
            if evidence[link.binding] is KinshipEvidence.PROMISE:
                contradicted.append(link.binding)
    return contradicted


async def _evidence_of(context: ServiceContext, binding_id: StreamId) -> KinshipEvidence:
    """The evidence that a binding was made on; it never changes."""
    first = (await context.store.history(binding_id))[0].event
    assert isinstance(first, InvitationSent), "a binding begins with an invitation"
    return first.evidence


async def confirm_kinship(context: ServiceContext, request: Request, fact: RecordKinship) -> Reply:
    """Confirm a kinship that another region's agency will enter, for a person of one's region.

    The answer is the same whether the other person exists or not.

    Raises:
        UnknownError: neither is of the agency's region; SelfBindingError: they are the same
        person; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own_persons, kin = _kinship_of(reads, vault, request.caller, fact)
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        for person in sorted(own_persons):
            agreed = from_side(person, kin)
            event = KinshipConfirmed(person=person, **agreed._asdict())
            if not _is_agreed(reads, vault, person, kin):
                decision.events.append((_kin_stream(reads, vault, decision, person, now), event))
        return decision

    return await context.do(request, decide)


def _kinship_of(
    reads: ReadSet, vault: Vault, caller: Caller, fact: RecordKinship
) -> tuple[set[StreamId], KinshipRecorded]:
    """Which of the two are of the caller's region, and the kinship by account ids.

    A person who does not exist gets a stand-in's id, and as much is read.

    Raises:
        UnknownError: neither is of the caller's region; SelfBindingError: they are the same.
    """
    numbers = (fact.person_no, fact.relative)
    accounts = [reads.find(vault.name("person_no", number)) for number in numbers]
    asker = accounts[0] or accounts[1]
    if asker is None:
        raise UnknownError
    person, relative = [find_or_stand_in(reads, vault, asker, number) for number in numbers]
    own_persons: set[StreamId] = set()
    for account_id in (person, relative):
        with suppress(UnknownError):
            check_region(caller, reads.account(account_id))
            own_persons.add(account_id)
    if not own_persons:
        raise UnknownError
    if person == relative:
        raise SelfBindingError
    return own_persons, KinshipRecorded(person=person, relative=relative, relation=fact.relation)


def _is_agreed(reads: ReadSet, vault: Vault, person: StreamId, kin: KinshipRecorded) -> bool:
    """Whether the agency of one side confirmed a kinship."""
    stream = reads.find(kin_name(vault, person), of=person)
    return stream is not None and from_side(person, kin) in reads.kinship(stream).agreed


def _record(
    reads: ReadSet, vault: Vault, decision: Decision, fact: KinshipRecorded, now: Instant
) -> None:
    """Add one side of a kinship to a decision, unless it is registered."""
    if registered(reads, vault, fact.person, fact.relative) is fact.relation:
        return
    decision.events.append((_kin_stream(reads, vault, decision, fact.person, now), fact))


def _kin_stream(
    reads: ReadSet, vault: Vault, decision: Decision, person: StreamId, now: Instant
) -> StreamId:
    """The stream of a person's relatives; a new one takes its unique name."""
    name = kin_name(vault, person)
    stream = reads.find(name, of=person)
    if stream is None:
        stream = new_stream("kin", now.at)
        decision.takes[name] = stream
    return stream
