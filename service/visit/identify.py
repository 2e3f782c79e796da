"""Say who stands at an institution's counter, by what he shows."""

from typing import NamedTuple

from aggregates.credential_link.decisions import check_living
from aggregates.institution import check_designated
from aggregates.refusals import InstitutionNotDesignatedError
from aggregates.vocabulary import Instant, InstitutionKind, StreamId
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.credential_link.inputs import accounts_of
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.settlement.claims import Identity, owner_of
from service.visit.bill_facts import Patient, patient_of


class Counter(NamedTuple):
    """The institution that asks, as the log has it."""

    stream: StreamId
    code: str
    name: str
    kind: InstitutionKind
    region: str


async def identify(context: ServiceContext, caller: Caller, shown: Identity) -> Patient:
    """The patient whose credential was shown (1101, 1162). A card may be known by its ID number.

    Raises:
        UnknownError: nobody is known by it; CodeExpiredError: a code that was shown too long ago;
        AccountEndedError: a guardian showed it, and one of the two takes part no more;
        InstitutionNotDesignatedError: the asker is under no agreement.
    """
    check_role(caller, Role.INSTITUTION)
    name = context.vault.name(*shown)

    def query(reads: ReadSet, now: Instant) -> Patient:
        _counter(reads, context, caller)
        account_id = owner_of(reads, context.vault, shown, now)
        link = reads.find(name)
        if link is not None and link.startswith("lnk_"):
            check_living(accounts_of(reads, reads.link(link)))
        return patient_of(reads, context.vault, account_id)

    return await context.read(caller, query)


async def look_at_patient(
    context: ServiceContext, caller: Caller, person_no: str
) -> tuple[Patient, Counter]:
    """A patient by his number, and the institution that asks.

    Raises:
        UnknownError: there is none; InstitutionNotDesignatedError.
    """
    check_role(caller, Role.INSTITUTION)

    def query(reads: ReadSet, _: Instant) -> tuple[Patient, Counter]:
        counter = _counter(reads, context, caller)
        account = find_person(reads, context.vault, person_no)
        return patient_of(reads, context.vault, account), counter

    return await context.read(caller, query)


async def look_at_counter(context: ServiceContext, caller: Caller) -> Counter:
    """The institution that asks.

    Raises:
        InstitutionNotDesignatedError: it is not known here, or its agreement is not in force.
    """
    check_role(caller, Role.INSTITUTION)
    return await context.read(caller, lambda reads, _: _counter(reads, context, caller))


def _counter(reads: ReadSet, context: ServiceContext, caller: Caller) -> Counter:
    stream = reads.find(context.vault.name("institution", caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    institution = reads.institution(stream)
    check_designated(institution)
    return Counter(stream, institution.code, institution.name, institution.kind, institution.region)
