"""Put person numbers in the place of account ids, for those who may see them."""

from collections.abc import Iterable

from aggregates.vocabulary import StreamId
from service.house import House
from service.persons import Personal


async def persons_of(house: House, accounts: Iterable[StreamId]) -> dict[StreamId, Personal | None]:
    """Personal data by account id; None where the person was erased.

    Raises:
        KeyFileError: a sealed person does not open under this ledger's keys.
    """
    wanted = list(dict.fromkeys(accounts))
    found = await house.store.read((), (), wanted)
    return {
        account: house.keys.unseal(person.sealed, person.wrapped, account)
        for account, person in found.persons.items()
    }
