"""Settlements and an institution's day for those who read HL7 FHIR R4 (4.0.1).

A settlement is an ExplanationOfBenefit, a day's money a PaymentReconciliation. They tell what
the native answers tell the same caller, and no more: an institution reads nobody's number.
"""

from datetime import date
from typing import Any, NamedTuple

from aggregates.institution import Institution
from aggregates.refusals import DateInvalidError, UnknownError
from aggregates.settlement.events import Claim
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import Instant, InstitutionKind, SettlementStatus, StreamId
from projections.settlement import movements
from projections.settlement.movements import InstitutionDay, of_day
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.institution import see_institution
from service.ledger.read_set import ReadSet
from service.read_models.reader import ReadModels, reach_head
from service.reconciliation.reconcile_day import ComputedAnswer
from service.serializers import moment, signed_yuan, yuan
from service.settlement.queries import see_settlement

TERMS = "http://terminology.hl7.org/CodeSystem/"
OURS = "urn:x-gongji:"
"""What our own names of things begin with, where FHIR has none."""
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
"""Our sums and how they are coded; FHIR knows a bill and what an insurer gives."""


class VisibleSettlement(NamedTuple):
    """A settlement as its caller may see it, and what is told beside it."""

    settlement: Settlement
    answer: dict[str, Any]
    institution: Institution
    region: str


async def explain(
    context: ServiceContext, caller: Caller, settlement_id: StreamId
) -> ComputedAnswer:
    """A settlement as an ExplanationOfBenefit: whole, so not for its sponsors.

    Raises:
        UnknownError: there is none, nothing was settled, or it is not the caller's.
    """
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def query(reads: ReadSet, now: Instant) -> VisibleSettlement:
        settlement, answer = see_settlement(reads, context, caller, settlement_id, now)
        if settlement.claim is None or "payers" not in answer:
            raise UnknownError
        institution = reads.institution(settlement.institution)
        region = reads.account(settlement.claim.beneficiary).region
        return VisibleSettlement(settlement, answer, institution, region)

    visible, position = await context.read_at(caller, query)
    return ComputedAnswer(_explanation(visible, caller), position)


async def reconcile_payments(
    context: ServiceContext, read_models: ReadModels, caller: Caller, code: str, on: date
) -> ComputedAnswer:
    """What accounts owe an institution for a business day, as a PaymentReconciliation.

    A day that is over is told the same for ever: later returns are another day's adjustments.

    Raises:
        UnknownError: no such institution, or not the caller's; DateInvalidError: the day is
        not there yet; OverloadedError: the read models are behind the log.
    """
    check_role(caller, Role.INSTITUTION, Role.AGENCY, Role.AUDITOR)
    stream, institution, now = await see_institution(context, caller, code)
    if on > now.on:
        raise DateInvalidError(field="day")
    position = await reach_head(context, read_models, movements.TABLE)
    return ComputedAnswer(
        _payments(institution, on, await of_day(read_models.pool, stream, on), now), position
    )


def fhir_id(settlement_id: StreamId) -> str:
    """A settlement's id as FHIR writes ids: without an underscore."""
    return settlement_id.replace("_", "-")


def _explanation(seen: VisibleSettlement, caller: Caller) -> dict[str, Any]:
    settlement, answer = seen.settlement, seen.answer
    claim, status = settlement.claim, settlement.status
    assert claim is not None, "what was settled was claimed"
    sums = answer.get("stays", answer)
    edition = _identifier("policy_edition", answer["policy_edition"])
    told: dict[str, Any] = {
        "resourceType": "ExplanationOfBenefit",
        "id": fhir_id(answer["settlement_id"]),
        "identifier": [_identifier("settlement", answer["settlement_id"])],
        "status": STATUSES[status],
        "type": _type(seen.institution, claim),
        "use": "claim",
        "patient": _patient(caller, answer),
        "billablePeriod": {"start": moment(claim.treated_at)},
        "created": answer["settled_at"],
        "insurer": _region(seen.region),
        "provider": _provider(seen.institution),
        "outcome": "complete",
        "disposition": status,
        "insurance": [{"focal": True, "coverage": _reference("Coverage", edition)}],
        "adjudication": _payers(answer, sums),
        "total": [
            {"category": _concept(*SUMS[name]), "amount": _money(sums[name])} for name in SUMS
        ],
    }
    if claim.lines:
        told["item"] = _items(claim)
    if STATUSES[status] == "active":
        told["payment"] = {
            "type": _concept(f"{TERMS}ex-paymenttype", "complete"),
            "date": answer["settled_at"][:10],
            "amount": _money(_added(sums["own"], sums["aid"])),
        }
    return told


def _type(institution: Institution, claim: Claim) -> dict[str, Any]:
    """What kind of claim it is: as FHIR sorts them, and by the national code."""
    kind = "pharmacy" if institution.kind is InstitutionKind.PHARMACY else "institutional"
    codings = (f"{TERMS}claim-type", kind), (f"{OURS}med_type", claim.med_type)
    return {"coding": [_coding(*coding) for coding in codings]}


def _payers(answer: dict[str, Any], sums: dict[str, Any]) -> list[dict[str, Any]]:
    """Everybody considered, in paying order: rank, what stays paid, and why if nothing."""
    told = []
    for payer, stays in zip(answer["payers"], sums["payers"], strict=True):
        one = {
            "category": _concept(f"{OURS}payer", payer["role"]),
            "amount": _money(stays["amount"]),
            "value": payer["rank"],
        }
        if payer["reason"] is not None:
            one["reason"] = _concept(f"{OURS}reason", payer["reason"])
        told.append(one)
    return told


def _items(claim: Claim) -> list[dict[str, Any]]:
    """The lines of the personal part, as they were claimed."""
    return [
        {
            "sequence": number,
            "productOrService": _concept(f"{OURS}category", line.category),
            "modifier": [_concept(f"{OURS}part", line.part)],
            "net": _money(yuan(line.amount_fen)),
        }
        for number, line in enumerate(claim.lines or (), 1)
    ]


def _patient(caller: Caller, answer: dict[str, Any]) -> dict[str, Any]:
    """The patient as the caller may know him: himself, his account, or that there is one."""
    if caller.role is Role.PERSON:
        return _reference("Patient", _identifier("person_no", caller.subject))
    if "beneficiary_account" in answer:
        return _reference("Patient", _identifier("account", answer["beneficiary_account"]))
    return {"type": "Patient", "extension": [{"url": ABSENT, "valueCode": "masked"}]}


def _payments(
    institution: Institution, on: date, of: InstitutionDay, now: Instant
) -> dict[str, Any]:
    paid = [(b.settlement, on, b.sums.own_fen + b.sums.aid_fen) for b in of.bills if b.sums.bills]
    back = [(r.settlement, r.settled_on, -r.sums.own_fen - r.sums.aid_fen) for r in of.returned]
    details = [_detail("payment", *one) for one in paid]
    details += [_detail("adjustment", *one) for one in back]
    is_over, cleared = on < now.on, institution.cleared_through
    told = {
        "resourceType": "PaymentReconciliation",
        "id": f"{institution.code}-{on.isoformat()}",
        "identifier": [_identifier("day", f"{institution.code}-{on.isoformat()}")],
        "status": "active" if is_over else "draft",
        "period": {"start": on.isoformat(), "end": on.isoformat()},
        "created": moment(now.at),
        "paymentIssuer": _region(institution.region),
        "requestor": _provider(institution),
        "outcome": "complete" if is_over else "partial",
        "disposition": "cleared" if cleared is not None and on <= cleared else "payable",
        "paymentDate": on.isoformat(),
        "paymentAmount": _money(signed_yuan(sum(fen for _, _, fen in (*paid, *back)))),
    }
    return told | {"detail": details} if details else told  # FHIR knows no empty list


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


def _identifier(of: str, named: str) -> dict[str, str]:
    return {"system": f"{OURS}{of}", "value": named}


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code)]}


def _money(amount: str) -> dict[str, str]:
    """An amount in yuan with two decimals; `fhir_json` writes it as the number it is."""
    return {"value": amount, "currency": "CNY"}


def _added(*amounts: str) -> str:
    return yuan(sum(int(amount.replace(".", "")) for amount in amounts))
