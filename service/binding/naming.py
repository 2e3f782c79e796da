"""Names and relations in a binding's answer, as its reader may know them."""

from typing import Any

from msgspec import json

from aggregates.binding.kinship import INVERSE
from aggregates.vocabulary import Relation
from service.caller import Caller, Role
from service.context import ServiceContext
from service.person.masking import name_for, persons_of
from service.vault import Personal


def names_of_sides(
    caller: Caller, sides: tuple[Personal | None, Personal | None], relation: Relation
) -> dict[str, str | None]:
    """The names of sponsor and beneficiary, and what the other side is to the reader.

    `sides` has None for an erased person and for one whom the reader may not know. A reader who
    is on neither side is told no relation. No word tells what a parent-in-law's sponsor is to him.
    """
    sponsor, beneficiary = sides
    mine = caller.subject if caller.role is Role.PERSON else None
    to_you: Relation | None = None
    if sponsor is not None and sponsor.person_no == mine:
        to_you = relation
    elif beneficiary is not None and beneficiary.person_no == mine:
        to_you = INVERSE.get(relation)
    return {
        "sponsor_name": name_for(caller, sponsor),
        "beneficiary_name": name_for(caller, beneficiary),
        "relation_to_you": None if to_you is None else to_you.lower(),
    }


async def with_persons(
    context: ServiceContext, caller: Caller, answer: bytes, *, names_invited: bool = True
) -> dict[str, Any]:
    """The members of a binding's answer that tell of persons: numbers, names and relation.

    `answer` has account ids, as the service writes it. Without `names_invited` the beneficiary
    stays unnamed, as in the answer to an invitation.
    """
    written = json.decode(answer)
    ids = (written["sponsor"], written["beneficiary"])
    persons = await persons_of(context, [side for side in ids if side is not None])
    sponsor, beneficiary = (persons.get(side) for side in ids)
    named = (sponsor, beneficiary if names_invited else None)
    return {
        "sponsor": sponsor and sponsor.person_no,
        "beneficiary": beneficiary and beneficiary.person_no,
    } | names_of_sides(caller, named, Relation(written["relation"].upper()))
