"""Bring the kinship register up to date from a region's registry."""

import hashlib

from aggregates.refusals import UnknownError
from aggregates.vocabulary import Relation, StreamId
from service.adapters.identity_verifier import NOBODY
from service.binding.kinship import RecordKinship, record_kinship
from service.caller import Request, agency
from service.context import ServiceContext
from service.person.lookup import IdCard
from service.person.masking import persons_of
from service.vault import Vault

REGISTRAR = agency("registry", None)


async def bring_up_to_date(
    context: ServiceContext, sponsor: str, beneficiary: str | IdCard
) -> None:
    """Ask the registry about two persons and record a new relation.

    A stand-in is asked about for an unknown beneficiary, so that the answer takes as long.

    Raises:
        RegistryUnavailableError: as `Registry.relation`; UnknownError: an unknown sponsor.
    """
    if context.registry is None:
        return
    names = [context.vault.name("person_no", sponsor), _name(context.vault, beneficiary)]
    by_name = (await context.store.read((), names)).names
    accounts = [by_name[name] for name in names if name in by_name]
    if names[0] not in by_name:
        raise UnknownError
    persons = await persons_of(context, accounts)
    person = persons[accounts[0]]
    if person is None:
        return
    relative = persons.get(accounts[-1]) if names[1] in by_name else None
    relation = await context.registry.relation(person, relative or NOBODY)
    if relation is not None and relative is not None:
        fact = RecordKinship(person_no=sponsor, relative=relative.person_no, relation=relation)
        await record_kinship(context, _request(accounts, relation), fact)


def _name(vault: Vault, beneficiary: str | IdCard) -> bytes:
    if isinstance(beneficiary, IdCard):
        return vault.name("id_card", beneficiary.number)
    return vault.name("person_no", beneficiary)


def _request(accounts: list[StreamId], relation: Relation) -> Request:
    """A request with one key for one kinship, so that it is recorded once."""
    digest = hashlib.sha256("\0".join((*accounts, relation)).encode()).digest()
    return Request(REGISTRAR, f"registry:{digest.hex()[:40]}", digest, "registry")
