"""HL7 FHIR R4: a settlement as an ExplanationOfBenefit, a day as a PaymentReconciliation."""

import json
import re
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from api.http.dependencies import ApiOf, CallerOf, check_dates
from api.http.headers import answer_headers
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from api.settlement.examples import SETTLED_AT, SETTLEMENT_ID
from service import fhir
from service.ids import stream_of
from service.reconciliation.reconcile_day import ComputedAnswer

Element = dict[str, Any]
"""A complex element of FHIR, as https://hl7.org/fhir/R4/ defines it."""


class ExplanationOfBenefit(ApiModel):
    """A settlement (FHIR R4): `total` and `adjudication` tell what stays after refunds."""

    resourceType: Literal["ExplanationOfBenefit"]
    id: str
    identifier: list[Element]
    status: Literal["active", "cancelled"]
    type: Element
    use: Literal["claim"]
    patient: Element
    billablePeriod: Element
    created: str
    insurer: Element
    provider: Element
    outcome: Literal["complete"]
    disposition: str
    insurance: list[Element]
    item: list[Element] | None = None
    adjudication: list[Element]
    total: list[Element]
    payment: Element | None = None


class PaymentReconciliation(ApiModel):
    """What accounts owe an institution for a business day (FHIR R4)."""

    resourceType: Literal["PaymentReconciliation"]
    id: str
    identifier: list[Element]
    status: Literal["active", "draft"]
    period: Element
    created: str
    paymentIssuer: Element
    requestor: Element
    outcome: Literal["complete", "partial"]
    disposition: Literal["cleared", "payable"]
    paymentDate: str
    paymentAmount: Element
    detail: list[Element] | None = None


def _coded(system: str, code: str) -> Element:
    return {"coding": [{"system": system, "code": code}]}


def _named(kind: str, of: str, value: str) -> Element:
    return {"type": kind, "identifier": {"system": f"urn:x-gongji:{of}", "value": value}}


def _yuan(value: float) -> Element:
    return {"value": value, "currency": "CNY"}


ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"
DAY, CODE, REGION = "2026-03-02", "H99000000001", "990000"
FHIR_ID = SETTLEMENT_ID.replace("_", "-")
HOSPITAL = _named("Organization", "institution", CODE) | {"display": "Sample hospital"}
FHIR_EXAMPLES: dict[str, dict[str, Any]] = {
    "ExplanationOfBenefit": {
        "resourceType": "ExplanationOfBenefit",
        "id": FHIR_ID,
        "identifier": [{"system": "urn:x-gongji:settlement", "value": SETTLEMENT_ID}],
        "status": "active",
        "type": _coded("http://terminology.hl7.org/CodeSystem/claim-type", "institutional"),
        "use": "claim",
        "patient": _named("Patient", "account", "acc_019c2f4a77b07c1184a2b3c4d5e6f708"),
        "billablePeriod": {"start": "2026-03-02T10:15:00.000+08:00"},
        "created": SETTLED_AT,
        "insurer": _named("Organization", "region", REGION),
        "provider": HOSPITAL,
        "outcome": "complete",
        "disposition": "settled",
        "insurance": [{"focal": True, "coverage": _named("Coverage", "policy_edition", "P0-2026")}],
        "adjudication": [
            {"category": _coded("urn:x-gongji:payer", "own"), "amount": _yuan(20.0), "value": 0},
            {
                "category": _coded("urn:x-gongji:payer", "sponsor"),
                "amount": _yuan(44.25),
                "value": 1,
            },
        ],
        "total": [
            {"category": _coded(ADJUDICATION, "submitted"), "amount": _yuan(128.5)},
            {"category": _coded(ADJUDICATION, "benefit"), "amount": _yuan(64.25)},
            {"category": _coded("urn:x-gongji:sum", "own"), "amount": _yuan(20.0)},
            {"category": _coded("urn:x-gongji:sum", "aid"), "amount": _yuan(44.25)},
            {"category": _coded("urn:x-gongji:sum", "cash"), "amount": _yuan(0.0)},
        ],
        "payment": {
            "type": _coded("http://terminology.hl7.org/CodeSystem/ex-paymenttype", "complete"),
            "date": DAY,
            "amount": _yuan(64.25),
        },
    },
    "PaymentReconciliation": {
        "resourceType": "PaymentReconciliation",
        "id": f"{CODE}-{DAY}",
        "identifier": [{"system": "urn:x-gongji:day", "value": f"{CODE}-{DAY}"}],
        "status": "active",
        "period": {"start": DAY, "end": DAY},
        "created": "2026-03-03T09:00:00.000+08:00",
        "paymentIssuer": _named("Organization", "region", REGION),
        "requestor": HOSPITAL,
        "outcome": "complete",
        "disposition": "payable",
        "paymentDate": DAY,
        "paymentAmount": _yuan(64.25),
        "detail": [
            {
                "identifier": {"system": "urn:x-gongji:settlement", "value": SETTLEMENT_ID},
                "type": _coded("http://terminology.hl7.org/CodeSystem/payment-type", "payment"),
                "response": {"reference": f"ExplanationOfBenefit/{FHIR_ID}"},
                "date": DAY,
                "amount": _yuan(64.25),
            }
        ],
    },
}

MEDIA = "application/fhir+json"
MONEY = re.compile(r'"value":"(-?[0-9]+\.[0-9]{2})","currency"')
"""An amount as it is told here; within a text its quotes would be escaped."""
NAMED = re.compile(r"([A-Za-z0-9]{1,20})-([0-9]{4}-[0-9]{2}-[0-9]{2})")
FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA: {}}, "description": "The resource, also as application/fhir+json"}
}

router = APIRouter(prefix="/v1/fhir", tags=["fhir"])


@router.get(
    "/ExplanationOfBenefit/{resource_id}",
    response_model=ExplanationOfBenefit,
    responses=FORMS | problems(404),
)
async def explain_settlement(api: ApiOf, caller: CallerOf, resource_id: str) -> Response:
    """A settlement as FHIR has it (institution, patient, agency, auditor).

    `resource_id` is the settlement's id with a dash for its underscore: `stl-…`.
    """
    stream = stream_of("stl", resource_id.replace("-", "_", 1))
    return _answer(await fhir.explain(api.context, caller, stream))


@router.get(
    "/PaymentReconciliation/{resource_id}",
    response_model=PaymentReconciliation,
    responses=FORMS | problems(404, 422),
)
async def reconcile_payments(
    api: ApiOf,
    caller: CallerOf,
    resource_id: Annotated[str, Path(description="`CODE-YYYY-MM-DD`")],
) -> Response:
    """What accounts owe an institution for a day (itself, its region's agency, auditors).

    A draft until the day is over; what went back of older bills are adjustments.
    """
    named = NAMED.fullmatch(resource_id)
    if named is None:
        raise ProblemError("NOT_FOUND")
    try:
        on = date.fromisoformat(named[2])
    except ValueError:
        wrong = [{"field": "resource_id", "code": "QUERY_INVALID"}]
        raise ProblemError("QUERY_INVALID", errors=wrong) from None
    check_dates(api, resource_id=on)
    return _answer(
        await fhir.reconcile_payments(api.context, api.read_models, caller, named[1], on)
    )


def fhir_json(resource: dict[str, Any]) -> bytes:
    """A resource as JSON. Amounts are numbers with two decimals, which FHIR keeps apart."""
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return MONEY.sub(r'"value":\1,"currency"', text).encode()


def _answer(shown: ComputedAnswer) -> Response:
    headers = answer_headers(shown.position)
    return Response(fhir_json(shown.body), media_type=MEDIA, headers=headers)
