"""A person's relatives from the register, and sex and day of birth from the ID number."""

from datetime import date

from aggregates.binding.kinship import Traits, age_on, is_minor
from aggregates.vocabulary import Instant, ParentSex, Relation, StreamId
from service.ledger.read_set import ReadSet
from service.person.unsealed import personal_of
from service.vault import Vault

RESIDENT_ID_SIZE = 18
NO_TRAITS = Traits(None, None)


def registered(
    reads: ReadSet, vault: Vault, person: StreamId, relative: StreamId
) -> Relation | None:
    """The relation of a relative to a person, if the register has one."""
    stream = reads.find(kin_name(vault, person), of=person)
    return None if stream is None else reads.kinship(stream).relation_of(relative)


def traits_of(reads: ReadSet, vault: Vault, account: StreamId) -> Traits:
    """Sex and day of birth by ID number; none for other certificates and erased persons."""
    person = personal_of(reads, vault, account)
    return NO_TRAITS if person is None else traits_in(person.cert_no)


def age_of(cert_no: str, on: date) -> int | None:
    """The age in whole years on a day, by a resident's ID number; None for another certificate."""
    born_on = traits_in(cert_no).born_on
    return None if born_on is None else age_on(born_on, on)


def traits_in(cert_no: str) -> Traits:
    """Sex and day of birth by a resident's ID number; none for another certificate."""
    if len(cert_no) != RESIDENT_ID_SIZE or not cert_no[:17].isdigit():
        return NO_TRAITS
    sex = ParentSex.FATHER if int(cert_no[16]) % 2 else ParentSex.MOTHER
    try:
        born_on = date(int(cert_no[6:10]), int(cert_no[10:12]), int(cert_no[12:14]))
    except ValueError:
        return Traits(sex, None)
    return Traits(sex, born_on)


def is_parent_of_minor(
    reads: ReadSet, vault: Vault, caller: StreamId, child: StreamId, now: Instant
) -> bool:
    """Whether the register has a caller as the parent of a minor (contract)."""
    if registered(reads, vault, child, caller) is not Relation.PARENT:
        return False
    return is_minor(traits_of(reads, vault, child).born_on, now.on)


def kin_name(vault: Vault, person: StreamId) -> bytes:
    """The unique name of the stream of a person's relatives."""
    return vault.name("kinship", person)
