"""Who is what to whom: the kinship register, and what an ID number tells of a person."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from msgspec import json

from aggregates.binding.kinship import (
    INVERSE,
    KinshipConfirmed,
    KinshipRecorded,
    Shown,
    Traits,
    is_minor,
    seen_from,
)
from aggregates.refusals import SelfBindingError, UnknownError
from aggregates.vocabulary import Instant, KinshipEvidence, ParentSex, Relation, StreamId
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.lookup import find_or_stand_in
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

    An agency speaks for the persons of its region. Where one side is of another region, that
    side's agency has confirmed the fact before; else it is answered as if there were no such
    person, and nothing is stored. The nation's agency, an operator's import and the registry
    speak for both sides.

    Raises:
        UnknownError: one of them has no account here, or is of another region whose agency did
        not confirm; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        mine, kin = _sides(view, keys, request.caller, fact)
        if not mine:
            raise UnknownError
        if kin.person == kin.relative:
            raise SelfBindingError
        for other in {kin.person, kin.relative} - mine:
            if not _is_agreed(view, keys, other, kin):
                raise UnknownError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        _record(view, keys, decision, kin, now)
        inverse = INVERSE.get(fact.relation)
        if inverse is not None:
            back = KinshipRecorded(person=kin.relative, relative=kin.person, relation=inverse)
            _record(view, keys, decision, back, now)
        return decision

    return await house.do(request, decide)


async def confirm_kinship(house: House, request: Request, fact: RecordKinship) -> Reply:
    """Agree for one's own person to a kinship that another region's agency will enter.

    The answer is the same whether the other person is there or not.

    Raises:
        UnknownError: neither is of the agency's region; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        mine, kin = _sides(view, keys, request.caller, fact)
        if not mine:
            raise UnknownError
        if kin.person == kin.relative:
            raise SelfBindingError
        decision = Decision(answer=json.encode({"relation": fact.relation.lower()}))
        for person in sorted(mine):
            agreed = seen_from(person, kin)
            event = KinshipConfirmed(person=person, **agreed._asdict())
            if not _is_agreed(view, keys, person, kin):
                decision.events.append((_kin_stream(view, keys, decision, person, now), event))
        return decision

    return await house.do(request, decide)


def _sides(
    view: View, keys: Keys, caller: Caller, fact: RecordKinship
) -> tuple[set[StreamId], KinshipRecorded]:
    """Whom of the two a caller speaks for, and the fact; who is not there gets a stand-in's id.

    The same is read whoever is there.

    Raises:
        UnknownError: neither is.
    """
    numbers = (fact.person_no, fact.relative)
    found = [view.find(keys.name("person_no", number)) for number in numbers]
    asker = found[0] or found[1]
    if asker is None:
        raise UnknownError
    ids = [find_or_stand_in(view, keys, asker, number) for number in numbers]
    mine: set[StreamId] = set()
    for account_id in ids:
        with suppress(UnknownError):
            check_region(caller, view.account(account_id))
            mine.add(account_id)
    return mine, KinshipRecorded(person=ids[0], relative=ids[1], relation=fact.relation)


def _is_agreed(view: View, keys: Keys, person: StreamId, kin: KinshipRecorded) -> bool:
    """Whether the agency of one side agreed to a fact."""
    stream = view.find(_name(keys, person), of=person)
    return stream is not None and seen_from(person, kin) in view.kinship(stream).agreed


def _record(
    view: View, keys: Keys, decision: Decision, fact: KinshipRecorded, now: Instant
) -> None:
    """Add one side of a fact to a decision, unless the register has it."""
    if registered(view, keys, fact.person, fact.relative) is fact.relation:
        return
    decision.events.append((_kin_stream(view, keys, decision, fact.person, now), fact))


def _kin_stream(
    view: View, keys: Keys, decision: Decision, person: StreamId, now: Instant
) -> StreamId:
    """The stream of a person's relatives; a new one takes his name."""
    name = _name(keys, person)
    stream = view.find(name, of=person)
    if stream is None:
        stream = new_stream("kin", now.at)
        decision.takes[name] = stream
    return stream


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
