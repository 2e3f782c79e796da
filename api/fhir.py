"""HL7 FHIR R4: a settlement as an ExplanationOfBenefit, a day as a PaymentReconciliation."""

import json
import re
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from typing_extensions import override

from api.http.dependencies import ApiOf, CallerOf, check_dates
from api.http.headers import answer_headers
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from service import fhir
from service.ids import stream_of
from service.reconciliation.reconcile_day import ComputedAnswer

Element = dict[str, Any]
"""A complex element of FHIR, as https://hl7.org/fhir/R4/ defines it."""


class ExplanationOfBenefit(ApiModel):
    """A settlement (FHIR R4); `total` and `adjudication` are what is left after refunds."""

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


MEDIA = "application/fhir+json"
MONEY = re.compile(r'"value":"(-?[0-9]+\.[0-9]{2})","currency"')
"""An amount in our JSON; within a text its quotes would be escaped."""
DAY_ID = re.compile(r"([A-Za-z0-9]{1,20})-([0-9]{4}-[0-9]{2}-[0-9]{2})")


class FhirResponse(JSONResponse):
    """A resource in FHIR's JSON."""

    media_type = MEDIA

    @override
    def render(self, content: dict[str, Any]) -> bytes:
        """The resource as `fhir_json` writes it."""
        return fhir_json(content)


router = APIRouter(prefix="/v1/fhir", tags=["fhir"])


@router.get(
    "/ExplanationOfBenefit/{resource_id}",
    response_model=ExplanationOfBenefit,
    response_class=FhirResponse,
    responses=problems(404),
)
async def explain_settlement(api: ApiOf, caller: CallerOf, resource_id: str) -> Response:
    """A settlement as an ExplanationOfBenefit (institution, patient, agency, auditor).

    `resource_id` is the settlement's id with a dash for its underscore: `stl-…`.
    """
    stream = stream_of("stl", resource_id.replace("-", "_", 1))
    return _answer(await fhir.explain(api.context, caller, stream))


@router.get(
    "/PaymentReconciliation/{resource_id}",
    response_model=PaymentReconciliation,
    response_class=FhirResponse,
    responses=problems(404, 422),
)
async def reconcile_payments(
    api: ApiOf,
    caller: CallerOf,
    resource_id: str,
) -> Response:
    """What accounts owe an institution for a day (itself, its region's agency, auditors).

    A draft until the day is over; refunds of older bills are adjustments.
    """
    parts = DAY_ID.fullmatch(resource_id)
    if parts is None:
        raise ProblemError("NOT_FOUND")
    code, day = parts.groups()
    try:
        on = date.fromisoformat(day)
    except ValueError:
        wrong = [{"field": "resource_id", "code": "QUERY_INVALID"}]
        raise ProblemError("QUERY_INVALID", errors=wrong) from None
    check_dates(api, resource_id=on)
    return _answer(await fhir.reconcile_payments(api.context, api.read_models, caller, code, on))


def fhir_json(resource: dict[str, Any]) -> bytes:
    """A resource as JSON. FHIR keeps the decimals of a number, so amounts are written with two."""
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return MONEY.sub(r'"value":\1,"currency"', text).encode()


def _answer(answer: ComputedAnswer) -> Response:
    headers = answer_headers(answer.position)
    return FhirResponse(answer.body, headers=headers)
