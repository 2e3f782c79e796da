"""Find an account by a person number, for who may know of it."""

from aggregates.account.state import Account
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Role, check_region
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor
from service.vault import Vault


def find_person(reads: ReadSet, vault: Vault, person_no: str) -> StreamId:
    """The account of a person number.

    Raises:
        UnknownError: there is none.
    """
    account_id = reads.find(vault.name("person_no", person_no))
    if account_id is None:
        raise UnknownError
    return account_id


def find_or_stand_in(reads: ReadSet, vault: Vault, asker: StreamId, person_no: str) -> StreamId:
    """The account of a person number; where there is none, an id that nobody has.

    It is the same id each time for one asker, so what he asks for goes on as with anybody, and
    looks like an account of somebody who was insured some days before him.
    """
    found = reads.find(vault.name("person_no", person_no))
    if found is not None:
        return found
    chance = vault.name("nobody", f"{asker}\0{person_no}").hex()
    millis = max(0, int(asker[4:16], 16) - int(chance[:8], 16))
    stand_in = StreamId(f"acc_{millis:012x}7{chance[8:11]}8{chance[11:26]}")
    reads.version(stand_in)  # as much is read as of an account
    return stand_in


def find_readable(
    reads: ReadSet, vault: Vault, caller: Caller, person_no: str, now: Instant
) -> StreamId:
    """The account of a person number, if this caller may read it: his own, his child's under age.

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
    """An account that the caller may change.

    Raises:
        UnknownError: there is none, or it is another region's.
    """
    account_id = find_person(reads, vault, person_no)
    account = reads.account(account_id)
    check_region(caller, account)
    return account_id, account


async def account_of(context: ServiceContext, caller: Caller, person_no: str) -> StreamId:
    """The account of a person number whose lists this caller may read.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """

    def query(reads: ReadSet, now: Instant) -> StreamId:
        return find_readable(reads, context.vault, caller, person_no, now)

    return await context.read(caller, query)
