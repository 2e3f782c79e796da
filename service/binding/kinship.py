"""Who is what to whom: how the kinship register is told."""

from contextlib import suppress
from dataclasses import dataclass

from msgspec import json

from aggregates.binding.kinship import (
    INVERSE,
    KinshipConfirmed,
    KinshipRecorded,
    KinshipShown,
    seen_from,
)
from aggregates.refusals import SelfBindingError, UnknownError
from aggregates.vocabulary import Instant, KinshipEvidence, Relation, StreamId
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import (
    is_parent_of_minor,
    kin_name,
    registered,
    traits_in,
    traits_of,
)
from service.person.lookup import find_or_stand_in
from service.vault import Vault

__all__ = [
    "RecordKinship",
    "confirm_kinship",
    "is_parent_of_minor",
    "record_kinship",
    "registered",
    "shown_for",
    "traits_in",
    "traits_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKinship:
    """A fact of the register: what `relative` is to `person_no`."""

    person_no: str
    relative: str
    relation: Relation


async def record_kinship(context: ServiceContext, request: Request, fact: RecordKinship) -> Reply:
    """Enter a kinship, on both persons' streams (agency).

    An agency speaks for the persons of its region. Where one side is of another region, that
    side's agency has confirmed the fact before; else it is answered as if there were no such
    person, and nothing is stored. The nation's agency, an operator's import and the registry
    speak for both sides.

    Raises:
        UnknownError: one of them has no account here, or is of another region whose agency did
        not confirm; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        mine, kin = _sides(reads, vault, request.caller, fact)
        if not mine:
            raise UnknownError
        if kin.person == kin.relative:
            raise SelfBindingError
        for other in {kin.person, kin.relative} - mine:
            if not _is_agreed(reads, vault, other, kin):
                raise UnknownError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        _record(reads, vault, decision, kin, now)
        inverse = INVERSE.get(fact.relation)
        if inverse is not None:
            back = KinshipRecorded(person=kin.relative, relative=kin.person, relation=inverse)
            _record(reads, vault, decision, back, now)
        return decision

    return await context.do(request, decide)


async def confirm_kinship(context: ServiceContext, request: Request, fact: RecordKinship) -> Reply:
    """Agree for one's own person to a kinship that another region's agency will enter.

    The answer is the same whether the other person is there or not.

    Raises:
        UnknownError: neither is of the agency's region; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        mine, kin = _sides(reads, vault, request.caller, fact)
        if not mine:
            raise UnknownError
        if kin.person == kin.relative:
            raise SelfBindingError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        for person in sorted(mine):
            agreed = seen_from(person, kin)
            event = KinshipConfirmed(person=person, **agreed._asdict())
            if not _is_agreed(reads, vault, person, kin):
                decision.events.append((_kin_stream(reads, vault, decision, person, now), event))
        return decision

    return await context.do(request, decide)


def _sides(
    reads: ReadSet, vault: Vault, caller: Caller, fact: RecordKinship
) -> tuple[set[StreamId], KinshipRecorded]:
    """Whom of the two a caller speaks for, and the fact; who is not there gets a stand-in's id.

    The same is read whoever is there.

    Raises:
        UnknownError: neither is.
    """
    numbers = (fact.person_no, fact.relative)
    found = [reads.find(vault.name("person_no", number)) for number in numbers]
    asker = found[0] or found[1]
    if asker is None:
        raise UnknownError
    ids = [find_or_stand_in(reads, vault, asker, number) for number in numbers]
    mine: set[StreamId] = set()
    for account_id in ids:
        with suppress(UnknownError):
            check_region(caller, reads.account(account_id))
            mine.add(account_id)
    return mine, KinshipRecorded(person=ids[0], relative=ids[1], relation=fact.relation)


def _is_agreed(reads: ReadSet, vault: Vault, person: StreamId, kin: KinshipRecorded) -> bool:
    """Whether the agency of one side agreed to a fact."""
    stream = reads.find(kin_name(vault, person), of=person)
    return stream is not None and seen_from(person, kin) in reads.kinship(stream).agreed


def _record(
    reads: ReadSet, vault: Vault, decision: Decision, fact: KinshipRecorded, now: Instant
) -> None:
    """Add one side of a fact to a decision, unless the register has it."""
    if registered(reads, vault, fact.person, fact.relative) is fact.relation:
        return
    decision.events.append((_kin_stream(reads, vault, decision, fact.person, now), fact))


def _kin_stream(
    reads: ReadSet, vault: Vault, decision: Decision, person: StreamId, now: Instant
) -> StreamId:
    """The stream of a person's relatives; a new one takes his name."""
    name = kin_name(vault, person)
    stream = reads.find(name, of=person)
    if stream is None:
        stream = new_stream("kin", now.at)
        decision.takes[name] = stream
    return stream


def shown_for(
    reads: ReadSet,
    vault: Vault,
    sponsor: StreamId,
    beneficiary: StreamId,
    evidence: tuple[KinshipEvidence | None, str | None],
) -> KinshipShown:
    """What a sponsor shows of a kinship, beside what the register says."""
    kind, reference = evidence
    return KinshipShown(kind, reference, registered(reads, vault, sponsor, beneficiary))
