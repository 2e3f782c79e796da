"""FHIR resources as they are answered: the members that are there, with examples."""

from typing import Any, Literal

from api.examples_parts import SETTLED_AT, SETTLEMENT_ID
from api.reply_parts import Reply

Element = dict[str, Any]
"""A complex element of FHIR, as https://hl7.org/fhir/R4/ defines it."""


class ExplanationOfBenefit(Reply):
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


class PaymentReconciliation(Reply):
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
