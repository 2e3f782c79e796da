"""HL7 FHIR R4: a settlement as an ExplanationOfBenefit, a day as a PaymentReconciliation."""

import json
import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.documents import problems
from api.door import CallerOf, DoorOf
from api.fhir_shapes import ExplanationOfBenefit, PaymentReconciliation
from api.problems import ProblemError
from service import fhir
from service.ids import stream_of
from service.reconciliation.reconcile_day import Shown

MEDIA = "application/fhir+json"
MONEY = re.compile(r'"value":"(-?[0-9]+\.[0-9]{2})","currency"')
"""An amount as it is told here; within a text its quotes would be escaped."""
NAMED = re.compile(r"([A-Za-z0-9]{1,20})-((?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2})")
FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA: {}}, "description": "The resource, also as application/fhir+json"}
}

router = APIRouter(prefix="/v1/fhir", tags=["fhir"])


@router.get(
    "/ExplanationOfBenefit/{resource_id}",
    response_model=ExplanationOfBenefit,
    responses=FORMS | problems(404),
)
async def explain_settlement(door: DoorOf, caller: CallerOf, resource_id: str) -> Response:
    """A settlement as FHIR has it (institution, patient, agency, auditor).

    `resource_id` is the settlement's id with a dash for its underscore: `stl-…`.
    """
    stream = stream_of("stl", resource_id.replace("-", "_", 1))
    return _answer(await fhir.explain(door.house, caller, stream))


@router.get(
    "/PaymentReconciliation/{resource_id}",
    response_model=PaymentReconciliation,
    responses=FORMS | problems(404, 422),
)
async def reconcile_payments(
    door: DoorOf,
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
    return _answer(await fhir.reconcile_payments(door.house, door.shelf, caller, named[1], on))


def fhir_json(resource: dict[str, Any]) -> bytes:
    """A resource as JSON. Amounts are numbers with two decimals, which FHIR keeps apart."""
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return MONEY.sub(r'"value":\1,"currency"', text).encode()


def _answer(shown: Shown) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Gongji-Position": str(shown.position),
    }
    return Response(fhir_json(shown.body), media_type=MEDIA, headers=headers)
