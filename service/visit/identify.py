"""Identify a patient at an institution by the credential that is shown."""

from functools import partial

from aggregates.credential_link.decisions import check_living
from aggregates.institution import Institution
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.credential_link.inputs import accounts_of
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, Identity, confirming, look_up, patient_unknown
from service.person.lookup import find_person
from service.settlement.claims import designated_institution
from service.visit.bill_facts import Patient, patient_of


async def identify(context: ServiceContext, caller: Caller, shown: Identity) -> Patient:
    """The patient whose credential was shown (1101, 1162); a card may have its owner's ID number.

    The institution need not send the credential again for some minutes.

    Raises:
        UnknownError: it is nobody's; CodeExpiredError: the code has expired;
        AccountEndedError: a guardian showed it, and one of the two accounts is closed;
        InstitutionNotDesignatedError: the caller is under no agreement.
    """
    check_role(caller, Role.INSTITUTION)
    vault = context.vault

    def query(reads: ReadSet, now: Instant, answers: Confirmations) -> Patient:
        designated_institution(reads, vault, caller)
        found = look_up(reads, vault, shown, now, answers)
        if found is None or found.account is None:
            raise patient_unknown(shown)
        link = reads.find(vault.name(*shown))
        if link is not None and link.startswith("lnk_"):
            check_living(accounts_of(reads, reads.link(link)))
        return patient_of(reads, vault, found.account)

    patient = await confirming(
        context.tokens, lambda answers: context.read(caller, partial(query, answers=answers))
    )
    context.identified.note(caller, patient.person.person_no, context.clock())
    return patient


async def look_at_patient(
    context: ServiceContext, caller: Caller, person_no: str
) -> tuple[Patient, tuple[StreamId, Institution]]:
    """The patient of a person number, or UnknownError; and the calling institution."""
    check_role(caller, Role.INSTITUTION)

    def query(reads: ReadSet, _: Instant) -> tuple[Patient, tuple[StreamId, Institution]]:
        institution = designated_institution(reads, context.vault, caller)
        account_id = find_person(reads, context.vault, person_no)
        return patient_of(reads, context.vault, account_id), institution

    return await context.read(caller, query)


async def look_at_caller(context: ServiceContext, caller: Caller) -> tuple[StreamId, Institution]:
    """The calling institution, as `designated_institution` finds it."""
    check_role(caller, Role.INSTITUTION)
    return await context.read(
        caller, lambda reads, _: designated_institution(reads, context.vault, caller)
    )
