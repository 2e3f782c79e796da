"""What the register and an ID number tell of a person: his relatives, sex and day of birth."""

from datetime import date

from aggregates.binding.kinship import Traits, is_minor
from aggregates.vocabulary import Instant, ParentSex, Relation, StreamId
from service.ledger.read_set import ReadSet
from service.vault import Vault

RESIDENT_ID_SIZE = 18
NO_TRAITS = Traits(None, None)


def registered(
    reads: ReadSet, vault: Vault, person: StreamId, relative: StreamId
) -> Relation | None:
    """What somebody is to a person, as far as the register knows."""
    stream = reads.find(kin_name(vault, person), of=person)
    return None if stream is None else reads.kinship(stream).relation_of(relative)


def traits_of(reads: ReadSet, vault: Vault, account: StreamId) -> Traits:
    """Sex and day of birth by ID number; nothing for other certificates and erased persons."""
    sealed, wrapped = reads.person(account)
    person = vault.unseal(sealed, wrapped, account)
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
    reads: ReadSet, vault: Vault, caller: StreamId, child: StreamId, now: Instant
) -> bool:
    """Whether the register makes a caller the parent of somebody under age (contract)."""
    if registered(reads, vault, child, caller) is not Relation.PARENT:
        return False
    return is_minor(traits_of(reads, vault, child).born_on, now.on)


def kin_name(vault: Vault, person: StreamId) -> bytes:
    """The unique name of the stream that holds a person's relatives."""
    return vault.name("kinship", person)
