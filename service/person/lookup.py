"""Find an account by a person number, for who may know of it."""

from aggregates.account.state import Account
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Role, check_region
from service.context import House
from service.ledger.command import Decision
from service.ledger.read_set import View
from service.person.kin import is_parent_of_minor
from service.vault import Keys


def find_person(view: View, keys: Keys, person_no: str) -> StreamId:
    """The account of a person number.

    Raises:
        UnknownError: there is none.
    """
    account_id = view.find(keys.name("person_no", person_no))
    if account_id is None:
        raise UnknownError
    return account_id


def find_or_stand_in(view: View, keys: Keys, asker: StreamId, person_no: str) -> StreamId:
    """The account of a person number; where there is none, an id that nobody has.

    It is the same id each time for one asker, so what he asks for goes on as with anybody, and
    looks like an account of somebody who was insured some days before him.
    """
    found = view.find(keys.name("person_no", person_no))
    if found is not None:
        return found
    chance = keys.name("nobody", f"{asker}\0{person_no}").hex()
    millis = max(0, int(asker[4:16], 16) - int(chance[:8], 16))
    stand_in = StreamId(f"acc_{millis:012x}7{chance[8:11]}8{chance[11:26]}")
    view.version(stand_in)  # as much is read as of an account
    return stand_in


def find_readable(view: View, keys: Keys, caller: Caller, person_no: str, now: Instant) -> StreamId:
    """The account of a person number, if this caller may read it: his own, his child's under age.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    if caller.role is Role.PERSON and caller.subject != person_no:
        me = find_person(view, keys, caller.subject)
        child = find_or_stand_in(view, keys, me, person_no)
        if not is_parent_of_minor(view, keys, me, child, now):
            raise UnknownError
        return child
    return own_region(view, keys, caller, person_no)[0]


def own_region(view: View, keys: Keys, caller: Caller, person_no: str) -> tuple[StreamId, Account]:
    """An account that the caller may change.

    Raises:
        UnknownError: there is none, or it is another region's.
    """
    account_id = find_person(view, keys, person_no)
    account = view.account(account_id)
    check_region(caller, account)
    return account_id, account


async def account_of(house: House, caller: Caller, person_no: str) -> StreamId:
    """The account of a person number whose lists this caller may read.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    found: list[StreamId] = []

    def decide(view: View, now: Instant) -> Decision:
        if caller.role is Role.AUDITOR:
            found.append(find_person(view, house.keys, person_no))
        else:
            found.append(find_readable(view, house.keys, caller, person_no, now))
        return Decision(answer=b"")

    await house.ask(caller, decide)
    if not found:
        raise UnknownError
    return found[-1]
