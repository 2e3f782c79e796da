"""Quote and settle bills that are made here from uploaded fee lines."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import json

from aggregates import visit as rules
from aggregates.binding.kinship import age_on
from aggregates.pooled_fund import FundShare
from aggregates.settlement.events import Settled
from aggregates.vocabulary import (
    CredentialProof,
    Instant,
    Setting,
    SettlementStatus,
    StreamId,
    VisitEnd,
)
from service.adapters.pooled_fund import CoverRequest
from service.caller import Caller, Request
from service.clock import new_stream
from service.context import ServiceContext
from service.ids import short
from service.ledger.command import Reply
from service.ledger.read_set import ReadSet
from service.ledger.store import StoreUnavailableError
from service.person.credentials import Identity
from service.person.kin import traits_of
from service.person.lookup import find_person
from service.serializers import fen_of
from service.settlement import quote as quotes
from service.settlement.claims import SettleBill, calling_institution
from service.settlement.purchase_visit import PURCHASE, purchase_visit
from service.settlement.settle import settle_read
from service.vault import Vault
from service.visit.bill_facts import (
    BillFacts,
    Patient,
    Sponsored,
    facts_of,
    look_at_bill,
    parts_of,
    patient_of,
)
from service.visit.visits import batch_of, kind_of_care, visit_for


class FeesMovedError(StoreUnavailableError):
    """The fee lines changed while the core system was asked; nothing was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRequest:
    """A request for a bill. The total is in fen; `plan` is a quote's hash."""

    person_no: str
    shown: Identity | None
    med_type: str | None
    total_fen: int
    use_account: bool
    plan: str | None
    use_aid: bool = True
    authoriser_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBill:
    """A bill over a visit's fee lines: of one charge batch, or all of them."""

    bill: BillRequest
    visit: StreamId
    batch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A bill with its own fee lines, without a visit before it (药店购药).

    `name` identifies the purchase, so that a resend is recognised as the same one.
    """

    bill: BillRequest
    name: str
    fees: tuple[rules.Fee, ...]
    treated_at: datetime


RequestedBill = VisitBill | Purchase


class BillLines(NamedTuple):
    """A bill's fee lines, and the visit and batch of its claim.

    `was_shown`: the patient showed a credential when the visit was registered.
    """

    visit: str
    batch: str
    med_type: str
    setting: Setting
    treated_at: datetime
    fees: tuple[rules.Fee, ...]
    was_shown: bool = False


class BillOutcome(NamedTuple):
    """A settlement's reply, and the bill; None where a rule refused it.

    `since` is the present status of a settlement whose answer is replayed; None while settled.
    """

    reply: Reply
    facts: BillFacts | None
    since: SettlementStatus | None = None


FundShareOf = Callable[[CoverRequest], FundShare]
VisitOfPurchase = list[tuple[StreamId, rules.VisitEvent]]


async def try_bill(context: ServiceContext, caller: Caller, request: RequestedBill) -> BillFacts:
    """What settling now would answer (2206, 2303, 2101).

    Raises:
        RefusalError: as settling would refuse; FundUnavailableError, FeesMovedError.
    """
    share = await _share_of(context, caller, request)

    def query(reads: ReadSet, now: Instant) -> tuple[SettleBill, Patient]:
        bill = _bill(reads, context, caller, request, share, now)
        account_id = find_person(reads, context.vault, request.bill.person_no)
        return bill, patient_of(reads, context.vault, account_id)

    bill, patient = await context.read(caller, query)
    reply = await quotes.quote(context, caller, bill)
    facts = _quoted(json.decode(reply.answer), bill, patient)
    if isinstance(request, Purchase):
        facts = facts._replace(visit=short(new_stream("vis", context.clock().at)))
    return facts


async def settle_bill(
    context: ServiceContext, request: Request, wanted: RequestedBill
) -> BillOutcome:
    """Settle a bill once, however often it is requested (2207, 2304, 2102).

    Raises:
        RefusalError: refused for its input; FundUnavailableError, FeesMovedError; the rest as
        `Appender.submit`.
    """
    caller, vault = request.caller, context.vault
    share = await _share_of(context, caller, wanted)
    decided: list[BillFacts] = []  # a retried decision adds another; the last one counts

    def bill_of(reads: ReadSet, now: Instant) -> SettleBill:
        return _bill(reads, context, caller, wanted, share, now)

    def further(reads: ReadSet, settlement_id: StreamId, settled: Settled) -> VisitOfPurchase:
        decided.append(facts_of(reads, vault, settlement_id, settled))
        if isinstance(wanted, Purchase):
            return _purchase_events(wanted, settlement_id, settled)
        return []

    reply = await settle_read(context, request, bill_of, further)
    if reply.refusal is not None:
        return BillOutcome(reply, None)
    if reply.is_replayed or not decided:
        assert reply.subject is not None, "a settlement is its key's subject"
        facts = await look_at_bill(context, caller, reply.subject, None)
        since = None if facts.status is SettlementStatus.SETTLED else facts.status
        return BillOutcome(reply, facts._replace(status=SettlementStatus.SETTLED), since)
    return BillOutcome(reply, decided[-1])


def _purchase_events(
    purchase: Purchase, settlement_id: StreamId, settled: Settled
) -> VisitOfPurchase:
    """The visit of a purchase: registered, charged and closed at once, so it has no other bill."""
    claim, visit = settled.claim, purchase_visit(settlement_id)
    registered = rules.VisitRegistered(
        institution=claim.institution,
        beneficiary=claim.beneficiary,
        setting=Setting.OUTPATIENT,
        number=purchase.name,
        department="",
        med_type=claim.med_type,
        began_at=purchase.treated_at,
    )
    closed = rules.VisitClosed(end=VisitEnd.DISCHARGED, at=purchase.treated_at)
    return [(visit, registered), (visit, rules.FeesUploaded(fees=purchase.fees)), (visit, closed)]


async def _share_of(context: ServiceContext, caller: Caller, request: RequestedBill) -> FundShareOf:
    """How the fund's part is found: in the decision by the table, or before it by a core system."""
    funds = context.funds
    if not funds.has_cores:
        return funds.table.share
    before, _ = await context.read(
        caller, lambda reads, now: _read(reads, context.vault, caller, request, now)
    )
    core = funds.core_of(before.region)
    if core is None:
        return funds.table.share
    answered = await core.share(before)

    def share(now: CoverRequest) -> FundShare:
        if now != before:
            raise FeesMovedError
        return answered

    return share


def _bill(
    reads: ReadSet,
    context: ServiceContext,
    caller: Caller,
    request: RequestedBill,
    share_of: FundShareOf,
    now: Instant,
) -> SettleBill:
    """The bill that the fee lines make; FeesMismatchError if the total is not their sum."""
    cover, lines = _read(reads, context.vault, caller, request, now)
    share = share_of(cover)
    bill = request.bill
    if share.total_fen != bill.total_fen:
        raise rules.FeesMismatchError(field="medfee_sumamt", uploaded_fen=share.total_fen)
    parts = (bill.person_no, lines.visit, lines.batch, bill.total_fen, share.fund_fen)
    digested: list[object] = [(*parts, bill.use_account), [i.amount_fen for i in share.lines]]
    if not bill.use_aid:
        digested.append("without aid")
    return SettleBill(
        beneficiary=Identity("person_no", bill.person_no),
        visit=lines.visit,
        charge_batch=lines.batch,
        med_type=lines.med_type,
        treated_at=lines.treated_at,
        total_fen=bill.total_fen,
        fund_pay_fen=share.fund_fen,
        use_account=bill.use_account,
        lines=share.lines,
        credential=bill.shown,
        plan=bill.plan,
        digest=hashlib.sha256(json.encode(digested)).digest(),
        was_shown=lines.was_shown or context.identified.is_noted(caller, bill.person_no, now),
        use_aid=bill.use_aid,
        authoriser_code=bill.authoriser_code,
    )


def _read(
    reads: ReadSet, vault: Vault, caller: Caller, request: RequestedBill, now: Instant
) -> tuple[CoverRequest, BillLines]:
    """A bill's request to the fund, and its lines."""
    account_id = find_person(reads, vault, request.bill.person_no)
    reads.person(account_id)  # read before deciding; the answer needs it
    _, institution = calling_institution(reads, vault, caller)
    patient = reads.account(account_id)
    lines = _lines(reads, vault, caller, request, account_id)
    born_on = traits_of(reads, vault, account_id).born_on
    cover = CoverRequest(
        patient.region,
        patient.insurance,
        institution.kind,
        lines.setting,
        lines.med_type,
        lines.fees,
        institution.hospital_level,
        None if born_on is None else age_on(born_on, now.on),
    )
    return cover, lines


def _lines(
    reads: ReadSet,
    vault: Vault,
    caller: Caller,
    request: RequestedBill,
    account_id: StreamId,
) -> BillLines:
    bill = request.bill
    if isinstance(request, Purchase):
        name, med_type = PURCHASE + request.name, bill.med_type or "41"
        return BillLines(name, "1", med_type, Setting.OUTPATIENT, request.treated_at, request.fees)
    visit = visit_for(reads, vault, caller, request.visit, account_id)
    if visit.setting is Setting.OUTPATIENT:
        rules.check_open(visit)
    is_stay = visit.setting is Setting.INPATIENT
    fees = visit.fees_of(None if is_stay else request.batch)
    med_type = bill.med_type or kind_of_care(visit.med_type, visit.setting)
    batch = batch_of(visit, request.batch)
    was_shown = visit.proven_by is not CredentialProof.NONE
    of_visit = (med_type, visit.setting, visit.began_at, fees, was_shown)
    return BillLines(short(request.visit).upper(), batch, *of_visit)


def _quoted(answer: dict[str, Any], bill: SettleBill, patient: Patient) -> BillFacts:
    """The facts of a quote."""
    own = fen_of(answer["own"])
    return BillFacts(
        settlement=None,
        status=SettlementStatus.SETTLED,
        visit=bill.visit,
        batch=bill.charge_batch,
        med_type=bill.med_type,
        parts=parts_of(bill.total_fen, bill.fund_pay_fen, bill.lines),
        own_fen=own,
        aid_fen=fen_of(answer["aid"]),
        cash_fen=fen_of(answer["cash"]),
        own_after_fen=None if patient.balance_fen is None else patient.balance_fen - own,
        sponsors=tuple(
            Sponsored(payer["rank"], fen_of(payer["amount"]), None, None)
            for payer in answer["payers"]
            if payer["rank"] and payer["amount"] != "0.00"
        ),
        settled_at=None,
        patient=patient,
        reasons=tuple(answer["reasons"]),
        plan=answer["plan_hash"],
    )
