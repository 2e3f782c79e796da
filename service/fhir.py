"""Settlements and an institution's day as resources of HL7 FHIR R4 (4.0.1).

A settlement is an ExplanationOfBenefit, a day's money a PaymentReconciliation. They hold what the
native answers give the same caller, and no more: an institution reads nobody's number.
"""

from datetime import date
from typing import Any, NamedTuple

from aggregates.institution import Institution
from aggregates.refusals import DateInvalidError, UnknownError
from aggregates.settlement.events import Claim, FeeLine
from aggregates.vocabulary import Instant, InstitutionKind, SettlementStatus, StreamId
from projections.settlement import movements
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.institution import see_institution
from service.ledger.read_set import ReadSet
from service.read_models.reader import ReadModels, reach_head
from service.reconciliation.reconcile_day import ComputedAnswer
from service.serializers import fen_of, moment, signed_yuan, yuan
from service.settlement.queries import see_settlement

TERMS = "http://terminology.hl7.org/CodeSystem/"
OURS = "urn:x-gongji:"
"""The prefix of our own systems of codes, where FHIR has none."""
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
STATUSES = {
    SettlementStatus.SETTLED: "active",
    SettlementStatus.PART_REFUNDED: "active",
    SettlementStatus.CANCELLED: "cancelled",
    SettlementStatus.REVERSED: "cancelled",
}
SUMS = {
    "total": (f"{TERMS}adjudication", "submitted"),
    "fund_pay": (f"{TERMS}adjudication", "benefit"),
    "own": (f"{OURS}sum", "own"),
    "aid": (f"{OURS}sum", "aid"),
    "cash": (f"{OURS}sum", "cash"),
}
"""Our sums and their codes; FHIR has codes for the bill and for the insurer's part."""


class VisibleSettlement(NamedTuple):
    """A settlement's status and claim, its answer to the caller, and where it was made.

    `region` is the patient's.
    """

    status: SettlementStatus
    claim: Claim
    answer: dict[str, Any]
    institution: Institution
    region: str


async def explain(
    context: ServiceContext, caller: Caller, settlement_id: StreamId
) -> ComputedAnswer:
    """A settlement as an ExplanationOfBenefit; UnknownError also for its sponsors."""
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def query(reads: ReadSet, now: Instant) -> VisibleSettlement:
        settlement, answer = see_settlement(reads, context, caller, settlement_id, now)
        claim = settlement.claim
        if claim is None or "payers" not in answer:
            raise UnknownError
        institution = reads.institution(settlement.institution)
        region = reads.account(claim.beneficiary).region
        return VisibleSettlement(settlement.status, claim, answer, institution, region)

    visible, position = await context.read_at(caller, query)
    return ComputedAnswer(_explanation(visible, caller), position)


async def reconcile_payments(
    context: ServiceContext, read_models: ReadModels, caller: Caller, code: str, on: date
) -> ComputedAnswer:
    """What accounts owe an institution for a business day, as a PaymentReconciliation.

    The resource of a day that is over never changes: later returns are adjustments of their day.

    Raises:
        UnknownError: no such institution, or not the caller's; DateInvalidError: the day is in
        the future; OverloadedError: the read models are behind the log.
    """
    check_role(caller, Role.INSTITUTION, Role.AGENCY, Role.AUDITOR)
    stream, institution, now = await see_institution(context, caller, code)
    if on > now.on:
        raise DateInvalidError(field="day")
    position = await reach_head(context, read_models, movements.TABLE)
    moves = await movements.of_day(read_models.pool, stream, on)
    return ComputedAnswer(_payments(institution, on, moves, now), position)


def fhir_id(settlement_id: StreamId) -> str:
    """A settlement's id as FHIR writes ids: without an underscore."""
    return settlement_id.replace("_", "-")


def _explanation(visible: VisibleSettlement, caller: Caller) -> dict[str, Any]:
    status, claim, answer, institution, region = visible
    sums = answer.get("stays", answer)
    edition = _identifier("policy_edition", answer["policy_edition"])
    resource: dict[str, Any] = {
        "resourceType": "ExplanationOfBenefit",
        "id": fhir_id(answer["settlement_id"]),
        "identifier": [_identifier("settlement", answer["settlement_id"])],
        "status": STATUSES[status],
        "type": _type(institution, claim),
        "use": "claim",
        "patient": _patient(caller, answer),
        "billablePeriod": {"start": moment(claim.treated_at)},
        "created": answer["settled_at"],
        "insurer": _region(region),
        "provider": _provider(institution),
        "outcome": "complete",
        "disposition": status,
        "insurance": [{"focal": True, "coverage": _reference("Coverage", edition)}],
        "adjudication": _payers(answer, sums),
        "total": [
            {"category": _concept(*SUMS[name]), "amount": _money(sums[name])} for name in SUMS
        ],
    }
    if claim.lines:
        resource["item"] = _items(claim.lines)
    if STATUSES[status] == "active":
        resource["payment"] = {
            "type": _concept(f"{TERMS}ex-paymenttype", "complete"),
            "date": answer["settled_at"][:10],
            "amount": _money(yuan(fen_of(sums["own"]) + fen_of(sums["aid"]))),
        }
    return resource


def _type(institution: Institution, claim: Claim) -> dict[str, Any]:
    """The type of a claim: by FHIR's code, and by the national one."""
    kind = "pharmacy" if institution.kind is InstitutionKind.PHARMACY else "institutional"
    codings = (f"{TERMS}claim-type", kind), (f"{OURS}med_type", claim.med_type)
    return {"coding": [_coding(*coding) for coding in codings]}


def _payers(answer: dict[str, Any], sums: dict[str, Any]) -> list[dict[str, Any]]:
    """Everybody considered, in paying order: rank, amount after refunds, and why if nothing."""
    adjudications = []
    for payer, left in zip(answer["payers"], sums["payers"], strict=True):
        adjudication = {
            "category": _concept(f"{OURS}payer", payer["role"]),
            "amount": _money(left["amount"]),
            "value": payer["rank"],
        }
        if payer["reason"] is not None:
            adjudication["reason"] = _concept(f"{OURS}reason", payer["reason"])
        adjudications.append(adjudication)
    return adjudications


def _items(lines: tuple[FeeLine, ...]) -> list[dict[str, Any]]:
    """The lines of the personal part, as they were claimed."""
    return [
        {
            "sequence": number,
            "productOrService": _concept(f"{OURS}category", line.category),
            "modifier": [_concept(f"{OURS}part", line.part)],
            "net": _money(yuan(line.amount_fen)),
        }
        for number, line in enumerate(lines, 1)
    ]


def _patient(caller: Caller, answer: dict[str, Any]) -> dict[str, Any]:
    """The patient as far as the caller may know: by number, by account, or masked."""
    if caller.role is Role.PERSON:
        return _reference("Patient", _identifier("person_no", caller.subject))
    if "beneficiary_account" in answer:
        return _reference("Patient", _identifier("account", answer["beneficiary_account"]))
    return {"type": "Patient", "extension": [{"url": ABSENT, "valueCode": "masked"}]}


def _payments(
    institution: Institution, on: date, moves: movements.InstitutionDay, now: Instant
) -> dict[str, Any]:
    paid = [
        (bill.settlement, on, bill.sums.own_fen + bill.sums.aid_fen)
        for bill in moves.bills
        if bill.sums.bills
    ]
    returned = [
        (move.settlement, move.settled_on, -move.sums.own_fen - move.sums.aid_fen)
        for move in moves.returned
    ]
    details = [_detail("payment", *payment) for payment in paid]
    details += [_detail("adjustment", *adjustment) for adjustment in returned]
    is_over, cleared = on < now.on, institution.cleared_through
    name = f"{institution.code}-{on.isoformat()}"
    resource = {
        "resourceType": "PaymentReconciliation",
        "id": name,
        "identifier": [_identifier("day", name)],
        "status": "active" if is_over else "draft",
        "period": {"start": on.isoformat(), "end": on.isoformat()},
        "created": moment(now.at),
        "paymentIssuer": _region(institution.region),
        "requestor": _provider(institution),
        "outcome": "complete" if is_over else "partial",
        "disposition": "cleared" if cleared is not None and on <= cleared else "payable",
        "paymentDate": on.isoformat(),
        "paymentAmount": _money(signed_yuan(sum(fen for _, _, fen in (*paid, *returned)))),
    }
    return resource | {"detail": details} if details else resource  # FHIR has no empty lists


def _detail(kind: str, settlement: StreamId, settled_on: date, fen: int) -> dict[str, Any]:
    return {
        "identifier": _identifier("settlement", settlement),
        "type": _concept(f"{TERMS}payment-type", kind),
        "response": {"reference": f"ExplanationOfBenefit/{fhir_id(settlement)}"},
        "date": settled_on.isoformat(),
        "amount": _money(signed_yuan(fen)),
    }


def _provider(institution: Institution) -> dict[str, Any]:
    return _reference("Organization", _identifier("institution", institution.code)) | {
        "display": institution.name
    }


def _region(code: str) -> dict[str, Any]:
    return _reference("Organization", _identifier("region", code))


def _reference(kind: str, identifier: dict[str, str]) -> dict[str, Any]:
    return {"type": kind, "identifier": identifier}


def _identifier(of: str, value: str) -> dict[str, str]:
    return {"system": f"{OURS}{of}", "value": value}


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code)]}


def _money(amount: str) -> dict[str, str]:
    """An amount in yuan with two decimals; `fhir_json` writes it as a number."""
    return {"value": amount, "currency": "CNY"}
