"""Visits of an institution's patients: register, describe, charge, close and read them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from aggregates import visit as rules
from aggregates.refusals import UnknownError
from aggregates.settlement.place_of_care import check_med_type
from aggregates.visit import Diagnosis, Fee, Visit, VisitDescribed, VisitRegistered
from aggregates.vocabulary import CredentialProof, Instant, Setting, StreamId, VisitEnd
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ids import short
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, Identity, check_shown, confirming
from service.person.lookup import find_person
from service.settlement.claims import designated_institution, institution_of
from service.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterVisit:
    """A visit to register; `shown` is the credential that the patient showed."""

    person_no: str
    shown: Identity | None
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime


class VisitRef(NamedTuple):
    """A visit and the person number of its patient."""

    visit: StreamId
    person_no: str


async def register(context: ServiceContext, request: Request, command: RegisterVisit) -> Reply:
    """Register a visit of an insured person; the reply's subject is the visit.

    Raises:
        MedTypeUnknownError: the kind of care is no code; UnknownError: no such person;
        CredentialUnknownError, CredentialMismatchError: the credential is nobody's, or another's;
        the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    person_no = command.person_no
    if command.med_type is not None:
        check_med_type(command.med_type)

    def decide(reads: ReadSet, now: Instant, answers: Confirmations) -> Decision:
        institution_id, _ = designated_institution(reads, context.vault, request.caller)
        beneficiary = find_person(reads, context.vault, person_no)
        reads.account(beneficiary)
        was_shown = context.identified.is_noted(request.caller, person_no, now)
        proof = CredentialProof.VISIT if was_shown else CredentialProof.NONE
        if command.shown is not None:
            shown = check_shown(reads, context.vault, command.shown, beneficiary, now, answers)
            proof = shown.proof
        visit_id = new_stream("vis", now.at)
        event = VisitRegistered(
            institution=institution_id,
            beneficiary=beneficiary,
            setting=command.setting,
            number=command.number,
            department=command.department,
            med_type=command.med_type,
            began_at=command.began_at,
            shown_at_counter=proof,
        )
        return Decision(answer=b"{}", events=[(visit_id, event)], subject=visit_id)

    return await confirming(
        context.tokens, lambda answers: context.do(request, partial(decide, answers=answers))
    )


async def describe(
    context: ServiceContext,
    request: Request,
    ref: VisitRef,
    med_type: str | None,
    diagnoses: tuple[tuple[str, str, str], ...],
) -> Reply:
    """Record a visit's diagnoses, each with rank, code and name; they replace those before.

    Raises:
        MedTypeUnknownError: the kind of care is no code; the rest as `change`.
    """
    if med_type is not None:
        check_med_type(med_type)

    def event(visit: Visit, _: frozenset[str], __: Instant) -> VisitDescribed:
        rules.check_open(visit)
        recorded = tuple(Diagnosis(rank=r, code=c, name=n) for r, c, n in diagnoses)
        return VisitDescribed(med_type=med_type, diagnoses=recorded)

    return await change(context, request, ref, event)


async def close(context: ServiceContext, request: Request, ref: VisitRef, end: VisitEnd) -> Reply:
    """Withdraw a visit that was registered in error, or discharge the patient."""
    return await change(
        context,
        request,
        ref,
        lambda visit, settled, now: rules.close(visit, end, now.at, settled),
    )


async def reopen(context: ServiceContext, request: Request, ref: VisitRef) -> Reply:
    """Undo a discharge."""
    return await change(
        context, request, ref, lambda visit, settled, now: rules.reopen(visit, now.at, settled)
    )


FeeRow = tuple[str, str, str, int, str, str, datetime]


def fees_of(rows: Iterable[FeeRow]) -> tuple[Fee, ...]:
    """Fee lines from rows of number, batch, code, fen, count, price and time."""
    return tuple(
        Fee(
            line=line,
            batch=batch,
            code=code,
            amount_fen=fen,
            count=count,
            price=price,
            occurred_at=at,
        )
        for line, batch, code, fen, count, price, at in rows
    )


async def upload_fees(
    context: ServiceContext, request: Request, ref: VisitRef, fees: tuple[Fee, ...]
) -> Reply:
    """Add fee lines to a visit."""
    return await change(
        context, request, ref, lambda visit, settled, _: rules.upload(visit, fees, settled)
    )


async def withdraw_fees(
    context: ServiceContext, request: Request, ref: VisitRef, batch: str, lines: tuple[str, ...]
) -> Reply:
    """Withdraw a batch's fee lines, or those of these numbers."""
    return await change(
        context,
        request,
        ref,
        lambda visit, settled, _: rules.withdraw(visit, batch, lines, settled),
    )


VisitChange = Callable[[Visit, frozenset[str], Instant], rules.VisitEvent]
"""Decides an event of a visit, given its batches that have a live bill."""


async def change(
    context: ServiceContext, request: Request, ref: VisitRef, event: VisitChange
) -> Reply:
    """Append an event to a visit of the calling institution."""
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        visit = own_visit(reads, context.vault, request.caller, ref)
        settled = settled_batches(reads, context.vault, ref.visit, visit)
        return Decision(
            answer=b"{}",
            events=[(ref.visit, event(visit, settled, now))],
            subject=ref.visit,
        )

    return await context.do(request, decide)


async def look_at_visit(context: ServiceContext, caller: Caller, ref: VisitRef) -> Visit:
    """A visit of the calling institution as it is now, or UnknownError."""
    return await context.read(caller, lambda reads, _: own_visit(reads, context.vault, caller, ref))


async def undo_registration(context: ServiceContext, request: Request, visit_id: StreamId) -> Reply:
    """Withdraw a visit whose registration reply was lost (冲正). Idempotent."""

    def decide(reads: ReadSet, now: Instant) -> Decision:
        visit = reads.visit(visit_id)
        if institution_of(reads, context.vault, request.caller) != visit.institution:
            raise UnknownError
        if visit.end is VisitEnd.WITHDRAWN:
            return Decision(answer=b"{}")
        settled = settled_batches(reads, context.vault, visit_id, visit)
        event = rules.close(visit, VisitEnd.WITHDRAWN, now.at, settled)
        return Decision(answer=b"{}", events=[(visit_id, event)])

    return await context.do(request, decide)


def own_visit(reads: ReadSet, vault: Vault, caller: Caller, ref: VisitRef) -> Visit:
    """A visit of the calling institution and of this person, or UnknownError."""
    return visit_for(reads, vault, caller, ref.visit, find_person(reads, vault, ref.person_no))


def visit_for(
    reads: ReadSet, vault: Vault, caller: Caller, visit_id: StreamId, beneficiary: StreamId
) -> Visit:
    """A visit of the calling institution and of this account's owner, or UnknownError."""
    visit = reads.visit(visit_id)
    institution_id = institution_of(reads, vault, caller)
    if (institution_id, beneficiary) != (visit.institution, visit.beneficiary):
        raise UnknownError
    return visit


def settled_batches(
    reads: ReadSet, vault: Vault, visit_id: StreamId, visit: Visit
) -> frozenset[str]:
    """The batches of a visit that have a live bill; a stay has one bill for all batches."""
    return frozenset(
        batch
        for batch in visit.batches
        if reads.find(bill_name(vault, visit.institution, visit_id, batch_of(visit, batch)))
    )


def kind_of_care(med_type: str | None, setting: Setting) -> str:
    """A visit's kind of care (医疗类别): what was said, or the plain one of its setting."""
    return med_type or ("21" if setting is Setting.INPATIENT else "11")


STAY = "0"
"""The batch of the one bill of a stay, for which no charge batch is sent."""


def batch_of(visit: Visit, batch: str | None) -> str:
    """The batch of a bill in its claim."""
    return STAY if visit.setting is Setting.INPATIENT or batch is None else batch


def bill_name(vault: Vault, institution: StreamId, visit_id: StreamId, batch: str) -> bytes:
    """The unique name of a visit's live bill, as of `claims.visit_of`."""
    return vault.name("visit", f"{institution}\0{short(visit_id).upper()}\0{batch}")
