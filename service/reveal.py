"""Put person numbers in the place of account ids, for those who may see them."""

from collections.abc import Iterable

from aggregates.account import Account
from aggregates.vocabulary import StreamId
from service.house import House
from service.persons import Personal


async def persons_of(house: House, accounts: Iterable[StreamId]) -> dict[StreamId, Personal | None]:
    """Personal data by account id; None where the person was erased.

    Raises:
        KeyFileError: a sealed person does not open under this ledger's keys.
    """
    wanted = list(dict.fromkeys(accounts))
    found = await house.store.read(wanted, ())
    wrapped = await house.store.person_keys(wanted)
    persons: dict[StreamId, Personal | None] = {}
    for stream, head in found.heads.items():
        assert isinstance(head.state, Account), "only accounts have persons"
        persons[stream] = house.keys.unseal(head.state.sealed, wrapped.get(stream), stream)
    return persons
