"""Find an account by a person number, for callers who may read it."""

import unicodedata
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Role, check_region
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor
from service.person.unsealed import personal_of
from service.vault import Vault


def find_person(reads: ReadSet, vault: Vault, person_no: str) -> StreamId:
    """The account of a person number; UnknownError if there is none."""
    account_id = reads.find(vault.name("person_no", person_no))
    if account_id is None:
        raise UnknownError
    return account_id


def find_or_stand_in(reads: ReadSet, vault: Vault, asker: StreamId, person_no: str) -> StreamId:
    """The account of a person number, or an unused id if there is none.

    One asker always gets the same id, so the request goes on as for a real person. The id looks
    like an account that was opened some days before the asker's.
    """
    account_id = reads.find(vault.name("person_no", person_no))
    if account_id is not None:
        return account_id
    stand_in = _stand_in(vault, asker, person_no)
    reads.version(stand_in)  # read as much as for an account
    return stand_in


class IdCard(NamedTuple):
    """What a family knows of a person: the ID number, and the name."""

    number: str
    name: str


def find_carded(reads: ReadSet, vault: Vault, asker: StreamId, card: IdCard) -> StreamId:
    """The account of an ID number and a name, or an unused id if there is none.

    As much is read of a person of that name, of a person of another name, and of nobody.
    """
    found = reads.find(vault.name("id_card", card.number))
    stand_in = stand_in_of(vault, asker, card)
    candidate = found or _stand_in(vault, asker, card.number)
    reads.version(candidate)
    person = personal_of(reads, vault, candidate)
    reads.version(stand_in)
    if found is None or person is None or _plain(person.name) != _plain(card.name):
        return stand_in
    return found


def stand_in_of(vault: Vault, asker: StreamId, card: IdCard) -> StreamId:
    """The id that stands for a card's owner wherever it must not show whether there is one."""
    return _stand_in(vault, asker, f"{card.number}\0{_plain(card.name)}")


def _plain(name: str) -> str:
    """A name to compare: in one width, without spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def _stand_in(vault: Vault, asker: StreamId, wanted: str) -> StreamId:
    chance = vault.name("nobody", f"{asker}\0{wanted}").hex()
    millis = max(0, int(asker[4:16], 16) - int(chance[:8], 16))
    return StreamId(f"acc_{millis:012x}7{chance[8:11]}8{chance[11:26]}")


def find_readable(
    reads: ReadSet, vault: Vault, caller: Caller, person_no: str, now: Instant
) -> StreamId:
    """The account of a person number, if this caller may read it: a person's own or minor child's.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    if caller.role is Role.PERSON and caller.subject != person_no:
        me = find_person(reads, vault, caller.subject)
        child = find_or_stand_in(reads, vault, me, person_no)
        if not is_parent_of_minor(reads, vault, me, child, now):
            raise UnknownError
        return child
    return own_region(reads, vault, caller, person_no)[0]


def own_region(
    reads: ReadSet, vault: Vault, caller: Caller, person_no: str
) -> tuple[StreamId, Account]:
    """The account of a person number; UnknownError if it is of another agency's region."""
    account_id = find_person(reads, vault, person_no)
    account = reads.account(account_id)
    check_region(caller, account)
    return account_id, account


async def account_of(context: ServiceContext, caller: Caller, person_no: str) -> StreamId:
    """As `find_readable`, outside a decision."""

    def query(reads: ReadSet, now: Instant) -> StreamId:
        return find_readable(reads, context.vault, caller, person_no, now)

    return await context.read(caller, query)
