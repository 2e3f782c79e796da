"""Registry sync."""

import hashlib

from aggregates.refusals import UnknownError
from aggregates.vocabulary import Relation, StreamId
from service.binding.kinship import RecordKinship, record_kinship
from service.caller import Request, agency
from service.context import House
from service.person.masking import persons_of

REGISTRAR = agency("registry", None)


async def bring_up_to_date(house: House, sponsor: str, beneficiary: str) -> None:
    """Ask the registry about two persons (by number) and record what is new.

    Raises:
        RegistryUnavailableError: as `Registry.relation`; UnknownError: one is not known here.
    """
    if house.registry is None:
        return
    names = [house.keys.name("person_no", number) for number in (sponsor, beneficiary)]
    found = (await house.store.read((), names)).names
    accounts = [found[name] for name in names if name in found]
    if len(accounts) != len(names):
        raise UnknownError
    persons = await persons_of(house, accounts)
    person, relative = (persons[account] for account in accounts)
    if person is None or relative is None:
        return
    relation = await house.registry.relation(person, relative)
    if relation is not None:
        fact = RecordKinship(person_no=sponsor, relative=beneficiary, relation=relation)
        await record_kinship(house, _request(accounts, relation), fact)


def _request(accounts: list[StreamId], relation: Relation) -> Request:
    """One key for one fact: asking again records nothing twice."""
    digest = hashlib.sha256("\0".join((*accounts, relation)).encode()).digest()
    return Request(REGISTRAR, f"registry:{digest.hex()[:40]}", digest, "registry")
