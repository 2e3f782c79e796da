"""Who is what to whom: the kinship register, and what an ID number tells of a person."""

from dataclasses import dataclass
from datetime import date

from msgspec import json

from aggregates.binding.kinship import INVERSE, KinshipRecorded, Shown, Traits, is_minor
from aggregates.refusals import SelfBindingError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, KinshipEvidence, ParentSex, Relation, StreamId
from service.caller import Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.lookup import find_person
from service.vault import Keys

RESIDENT_ID_SIZE = 18
NO_TRAITS = Traits(None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKinship:
    """A fact of the register: what `relative` is to `person_no`."""

    person_no: str
    relative: str
    relation: Relation


async def record_kinship(house: House, request: Request, fact: RecordKinship) -> Reply:
    """Enter a kinship, on both persons' streams (agency).

    Raises:
        UnknownError: one of them has no account here; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        person = find_person(view, keys, fact.person_no)
        relative = find_person(view, keys, fact.relative)
        check_region(request.caller, view.account(person))
        if person == relative:
            raise SelfBindingError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        _record(view, keys, decision, (person, relative, fact.relation), now)
        inverse = INVERSE.get(fact.relation)
        if inverse is not None:
            _record(view, keys, decision, (relative, person, inverse), now)
        return decision

    return await house.do(request, decide)


def _record(
    view: View,
    keys: Keys,
    decision: Decision,
    fact: tuple[StreamId, StreamId, Relation],
    now: Instant,
) -> None:
    """Add one side of a fact to a decision, unless the register has it."""
    person, relative, relation = fact
    name = _name(keys, person)
    stream = view.find(name, of=person)
    if stream is not None and view.kinship(stream).relation_of(relative) is relation:
        return
    event: Event = KinshipRecorded(person=person, relative=relative, relation=relation)
    if stream is None:
        stream = new_stream("kin", now.at)
        decision.takes[name] = stream
    decision.events.append((stream, event))


def registered(view: View, keys: Keys, person: StreamId, relative: StreamId) -> Relation | None:
    """What somebody is to a person, as far as the register knows."""
    stream = view.find(_name(keys, person), of=person)
    return None if stream is None else view.kinship(stream).relation_of(relative)


def shown_for(
    view: View,
    keys: Keys,
    sponsor: StreamId,
    beneficiary: StreamId,
    evidence: tuple[KinshipEvidence | None, str | None],
) -> Shown:
    """What a sponsor shows of a kinship, beside what the register says."""
    kind, reference = evidence
    return Shown(kind, reference, registered(view, keys, sponsor, beneficiary))


def traits_of(view: View, keys: Keys, account: StreamId) -> Traits:
    """Sex and day of birth by ID number; nothing for other certificates and erased persons."""
    sealed, wrapped = view.person(account)
    person = keys.unseal(sealed, wrapped, account)
    return NO_TRAITS if person is None else traits_in(person.cert_no)


def traits_in(cert_no: str) -> Traits:
    """What a resident's ID number tells; nothing where it is another certificate."""
    if len(cert_no) != RESIDENT_ID_SIZE or not cert_no[:17].isdigit():
        return NO_TRAITS
    sex = ParentSex.FATHER if int(cert_no[16]) % 2 else ParentSex.MOTHER
    try:
        born_on = date(int(cert_no[6:10]), int(cert_no[10:12]), int(cert_no[12:14]))
    except ValueError:
        return Traits(sex, None)
    return Traits(sex, born_on)


def is_parent_of_minor(
    view: View, keys: Keys, caller: StreamId, child: StreamId, now: Instant
) -> bool:
    """Whether the register makes a caller the parent of somebody under age (contract)."""
    if registered(view, keys, child, caller) is not Relation.PARENT:
        return False
    return is_minor(traits_of(view, keys, child).born_on, now.on)


def _name(keys: Keys, person: StreamId) -> bytes:
    return keys.name("kinship", person)
