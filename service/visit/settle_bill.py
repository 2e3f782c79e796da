"""Bills made here from uploaded fee lines: tried, and settled through the one use case there is."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import json

from aggregates.account.state import Account
from aggregates.institution import Institution
from aggregates.pooled_fund import FundShare
from aggregates.refusals import InstitutionNotDesignatedError
from aggregates.settlement.events import Settled
from aggregates.visit import (
    Fee,
    FeesMismatchError,
    FeesUploaded,
    VisitClosed,
    VisitRegistered,
    check_open,
)
from aggregates.vocabulary import Instant, Setting, SettlementStatus, StreamId, VisitEnd
from service.adapters.pooled_fund import CoverRequest
from service.caller import Caller, Request
from service.clock import new_stream
from service.context import ServiceContext
from service.ids import short
from service.ledger.command import Reply
from service.ledger.read_set import ReadSet
from service.ledger.store import StoreUnavailableError
from service.person.lookup import find_person
from service.serializers import fen_of
from service.settlement import quote as quotes
from service.settlement.claims import Identity, SettleBill, known
from service.settlement.purchase_visit import PURCHASE, purchase_visit
from service.settlement.settle import settle_found
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
from service.visit.bill_requests import Purchase, VisitBill
from service.visit.visits import batch_of, visit_for


class FeesMovedError(StoreUnavailableError):
    """The fee lines changed while the core system was asked; nothing was applied."""


class BillLines(NamedTuple):
    """A bill's fee lines, and how its claim names it."""

    visit: str
    batch: str
    med_type: str
    setting: Setting
    treated_at: datetime
    fees: tuple[Fee, ...]


class BillOutcome(NamedTuple):
    """A settlement's reply, with the facts to print; None where a rule refused it.

    `since` is what became of it since, where it is a repeat's and does not stand as it was.
    """

    reply: Reply
    facts: BillFacts | None
    since: SettlementStatus | None = None


AskFundShare = Callable[[CoverRequest], FundShare]
Beside = tuple[StreamId, VisitRegistered | FeesUploaded | VisitClosed]


async def try_bill(
    context: ServiceContext, caller: Caller, asked: VisitBill | Purchase
) -> BillFacts:
    """What settling now would answer (2206, 2303, 2101).

    Raises:
        RefusalError: as settling would refuse; FundUnavailableError, FeesMovedError.
    """
    share = await _sharing(context, caller, asked)

    def query(reads: ReadSet, _: Instant) -> tuple[SettleBill, Patient]:
        bill = _bill(reads, context.vault, caller, asked, share)
        account_id = find_person(reads, context.vault, asked.bill.person_no)
        return bill, patient_of(reads, context.vault, account_id)

    bill, patient = await context.read(caller, query)
    reply = await quotes.quote(context, caller, bill)
    facts = _tried(json.decode(reply.answer), bill, patient)
    if isinstance(asked, Purchase):
        facts = facts._replace(visit=short(new_stream("vis", context.clock().at)))
    return facts


async def settle_bill(
    context: ServiceContext, request: Request, asked: VisitBill | Purchase
) -> BillOutcome:
    """Settle a bill once, however often it is asked (2207, 2304, 2102).

    Raises:
        RefusalError: refused for its input; FundUnavailableError, FeesMovedError; the rest as
        `Appender.submit`.
    """
    caller = request.caller
    share = await _sharing(context, caller, asked)
    decided: list[BillFacts] = []  # a retried decision adds another; the last one counts

    def find(reads: ReadSet, _: Instant) -> SettleBill:
        return _bill(reads, context.vault, caller, asked, share)

    def note(reads: ReadSet, settlement_id: StreamId, settled: Settled) -> list[Beside]:
        decided.append(facts_of(reads, context.vault, settlement_id, settled))
        return _bought(asked, settlement_id, settled) if isinstance(asked, Purchase) else []

    reply = await settle_found(context, request, find, note)
    if reply.refusal is not None:
        return BillOutcome(reply, None)
    if reply.is_replayed or not decided:
        assert reply.subject is not None, "a settlement is its key's subject"
        facts = await look_at_bill(context, caller, reply.subject, None)
        since = None if facts.status is SettlementStatus.SETTLED else facts.status
        return BillOutcome(reply, facts._replace(status=SettlementStatus.SETTLED), since)
    return BillOutcome(reply, decided[-1])


def _bought(asked: Purchase, settlement_id: StreamId, settled: Settled) -> list[Beside]:
    """The visit of a purchase: begun, charged and over at once, so that no other bill is of it."""
    claim, visit = settled.claim, purchase_visit(settlement_id)
    came = VisitRegistered(
        institution=claim.institution,
        beneficiary=claim.beneficiary,
        setting=Setting.OUTPATIENT,
        number=asked.name,
        department="",
        med_type=claim.med_type,
        began_at=asked.treated_at,
    )
    left = VisitClosed(end=VisitEnd.DISCHARGED, at=asked.treated_at)
    return [(visit, came), (visit, FeesUploaded(fees=asked.fees)), (visit, left)]


async def _sharing(
    context: ServiceContext, caller: Caller, asked: VisitBill | Purchase
) -> AskFundShare:
    """Who says what the fund pays: the table within the decision, or a core system before it."""
    funds = context.funds
    if not funds.has_cores:
        return funds.table.share
    before, _ = await context.read(
        caller, lambda reads, _: _asked(reads, context.vault, caller, asked)
    )
    core = funds.core_of(before.region)
    if core is None:
        return funds.table.share
    said = await core.share(before)

    def share(now: CoverRequest) -> FundShare:
        if now != before:
            raise FeesMovedError
        return said

    return share


def _bill(
    reads: ReadSet, vault: Vault, caller: Caller, asked: VisitBill | Purchase, share: AskFundShare
) -> SettleBill:
    """The bill that these fee lines make.

    Raises:
        FeesMismatchError: the total is not their sum.
    """
    covered, found = _asked(reads, vault, caller, asked)
    split = share(covered)
    bill = asked.bill
    if split.total_fen != bill.total_fen:
        raise FeesMismatchError(field="medfee_sumamt", uploaded_fen=split.total_fen)
    parts = (
        bill.person_no,
        found.visit,
        found.batch,
        bill.total_fen,
        split.fund_fen,
        bill.use_account,
    )
    digest = hashlib.sha256(
        json.encode([parts, [line.amount_fen for line in split.lines]])
    ).digest()
    return SettleBill(
        beneficiary=Identity("person_no", bill.person_no),
        visit=found.visit,
        charge_batch=found.batch,
        med_type=found.med_type,
        treated_at=found.treated_at,
        total_fen=bill.total_fen,
        fund_pay_fen=split.fund_fen,
        use_account=bill.use_account,
        lines=split.lines,
        credential=known(reads, vault, bill.shown),
        plan=bill.plan,
        digest=digest,
    )


def _asked(
    reads: ReadSet, vault: Vault, caller: Caller, asked: VisitBill | Purchase
) -> tuple[CoverRequest, BillLines]:
    """What is to be covered, and how the claim names it."""
    account_id = find_person(reads, vault, asked.bill.person_no)
    reads.person(account_id)  # printed at the end: ask for it before deciding
    institution = _institution(reads, vault, caller)
    patient: Account = reads.account(account_id)
    found = _found(reads, vault, caller, asked, account_id)
    covered = CoverRequest(
        patient.region,
        patient.insurance,
        institution.kind,
        found.setting,
        found.med_type,
        found.fees,
    )
    return covered, found


def _found(
    reads: ReadSet,
    vault: Vault,
    caller: Caller,
    asked: VisitBill | Purchase,
    account_id: StreamId,
) -> BillLines:
    bill = asked.bill
    if isinstance(asked, Purchase):
        med_type = bill.med_type or "41"
        return BillLines(
            PURCHASE + asked.name, "1", med_type, Setting.OUTPATIENT, asked.treated_at, asked.fees
        )
    visit = visit_for(reads, vault, caller, asked.visit, account_id)
    if visit.setting is Setting.OUTPATIENT:
        check_open(visit)
    default = "21" if visit.setting is Setting.INPATIENT else "11"
    batch = batch_of(visit, asked.batch)
    fees = visit.fees_of(None if visit.setting is Setting.INPATIENT else asked.batch)
    med_type = bill.med_type or visit.med_type or default
    return BillLines(short(asked.visit), batch, med_type, visit.setting, visit.began_at, fees)


def _institution(reads: ReadSet, vault: Vault, caller: Caller) -> Institution:
    stream = reads.find(vault.name("institution", caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    return reads.institution(stream)


def _tried(answer: dict[str, Any], bill: SettleBill, patient: Patient) -> BillFacts:
    """A quote as facts."""
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
