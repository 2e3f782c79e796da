"""Registry sync."""

import hashlib

from aggregates.refusals import UnknownError
from aggregates.vocabulary import Relation, StreamId
from service.adapters.identity_verifier import NOBODY
from service.binding.kinship import RecordKinship, record_kinship
from service.caller import Request, agency
from service.context import ServiceContext
from service.person.masking import persons_of

REGISTRAR = agency("registry", None)


async def bring_up_to_date(context: ServiceContext, sponsor: str, beneficiary: str) -> None:
    """Ask the registry about two persons (by number) and record what is new.

    A beneficiary who is not known here is asked about as well, by a made-up name: the answer
    takes as long and tells nothing.

    Raises:
        RegistryUnavailableError: as `Registry.relation`; UnknownError: the sponsor is not known.
    """
    if context.registry is None:
        return
    names = [context.vault.name("person_no", number) for number in (sponsor, beneficiary)]
    found = (await context.store.read((), names)).names
    accounts = [found[name] for name in names if name in found]
    if names[0] not in found:
        raise UnknownError
    persons = await persons_of(context, accounts)
    person, relative = persons[accounts[0]], persons.get(accounts[-1])
    if person is None:
        return
    is_there = names[1] in found and relative is not None
    asked = relative if is_there and relative else NOBODY
    relation = await context.registry.relation(person, asked)
    if relation is not None and is_there:
        fact = RecordKinship(person_no=sponsor, relative=beneficiary, relation=relation)
        await record_kinship(context, _request(accounts, relation), fact)


def _request(accounts: list[StreamId], relation: Relation) -> Request:
    """One key for one fact: asking again records nothing twice."""
    digest = hashlib.sha256("\0".join((*accounts, relation)).encode()).digest()
    return Request(REGISTRAR, f"registry:{digest.hex()[:40]}", digest, "registry")
