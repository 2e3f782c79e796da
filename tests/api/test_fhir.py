"""Settlements and days as FHIR R4, checked against its rules and a published implementation."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fhir.resources.R4B import explanationofbenefit, paymentreconciliation
from pydantic import BaseModel

from api.fhir import ExplanationOfBenefit, PaymentReconciliation, fhir_json
from service.fhir import fhir_id
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_institution,
    is_refused,
)
from tests.api.fhir_rules import TERMS, faults_of

KINDS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    # R4B left both resources as they are in R4
    "ExplanationOfBenefit": (ExplanationOfBenefit, explanationofbenefit.ExplanationOfBenefit),
    "PaymentReconciliation": (
        PaymentReconciliation,
        paymentreconciliation.PaymentReconciliation,
    ),
}
DAY = "2026-03-02"
EVERYBODY = (HOSPITAL, a_person("P1"), AGENCY, NATION, AUDITOR)
LINES = [
    {"line": "1", "category": "drug", "part": "in_scope", "amount": "44.25"},
    {"line": "2", "category": "checkup", "part": "pre_self_pay", "amount": "20.00"},
]


def is_sound(answer: httpx.Response) -> dict[str, Any]:
    """The resource of an answer, checked by our model, FHIR's rules and the published models."""
    assert 200 == answer.status_code, answer.text
    assert "application/fhir+json" == answer.headers["content-type"]
    resource: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    ours, theirs = KINDS[resource["resourceType"]]
    plain = answer.json()
    ours.model_validate(plain)
    theirs.model_validate(plain)
    assert [] == faults_of(resource)
    for value in re.findall(r'"value":(-?[0-9.]+),"currency":"CNY"', answer.text):
        assert re.fullmatch(r"-?[0-9]+\.[0-9]{2}", value)
    return resource


async def explained(desk: Desk, settlement_id: str, who: Who = AUDITOR) -> dict[str, Any]:
    path = f"/v1/fhir/ExplanationOfBenefit/{fhir_id(settlement_id)}"  # type: ignore[arg-type]
    return is_sound(await desk.get(who, path))


def sums(resource: dict[str, Any]) -> dict[str, str]:
    return {
        total["category"]["coding"][0]["code"]: str(total["amount"]["value"])
        for total in resource["total"]
    }


async def test_a_settlement_is_an_explanation_of_benefit(desk: Desk) -> None:
    """Its sums, its payers in order, its institution, region and lines."""
    await a_family(desk)
    settled = await a_settlement(desk, lines=LINES)
    told = await explained(desk, settled["settlement_id"])

    assert {
        "submitted": "128.50",
        "benefit": "64.25",
        "own": "20.00",
        "aid": "24.25",
        "cash": "20.00",  # a checkup is nobody's account's
    } == sums(told)
    assert [("own", 0, "20.00"), ("sponsor", 1, "24.25")] == [
        (one["category"]["coding"][0]["code"], one["value"], str(one["amount"]["value"]))
        for one in told["adjudication"]
    ]
    assert ("active", "settled", "44.25") == (
        told["status"],
        told["disposition"],
        str(told["payment"]["amount"]["value"]),
    )
    assert HOSPITAL.subject == told["provider"]["identifier"]["value"]
    assert ["drug", "checkup"] == [
        item["productOrService"]["coding"][0]["code"] for item in told["item"]
    ]
    assert "institutional" == told["type"]["coding"][0]["code"]


async def test_each_reads_what_is_his_to_read(desk: Desk) -> None:
    """An institution masked, the patient himself, agency and auditor the account; others 404."""
    await a_family(desk)
    settlement_id = (await a_settlement(desk))["settlement_id"]
    path = f"/v1/fhir/ExplanationOfBenefit/{fhir_id(settlement_id)}"
    texts = [
        json.dumps(await explained(desk, settlement_id, who), default=str) for who in EVERYBODY
    ]
    patients = [json.loads(text)["patient"] for text in texts]

    assert "masked" == patients[0]["extension"][0]["valueCode"]
    assert "P1" == patients[1]["identifier"]["value"]
    assert patients[2] == patients[3] == patients[4]
    assert patients[2]["identifier"]["value"].startswith("acc_")
    assert "acc_" not in texts[0] + texts[1]
    for text in texts:
        for secret in (CANARY_ID, CANARY_NAME, '"S1"'):
            assert secret not in text
    for who in (a_person("S1"), PHARMACY, AGENCY_ELSEWHERE):
        is_refused(await desk.get(who, path), 404, "NOT_FOUND")
    is_refused(await desk.get(OPERATOR, path), 403, "NOT_PERMITTED")


async def test_what_went_back_is_not_told_as_paid(desk: Desk) -> None:
    """After a refund the sums are of the remainder; after a cancellation there is no payment."""
    await a_family(desk)
    settled = await a_settlement(desk)
    path = f"/v1/settlements/{settled['settlement_id']}"
    await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "14.25", "reason": "returned"})
    part = await explained(desk, settled["settlement_id"])
    await desk.post(HOSPITAL, f"{path}/cancellation", {"reason": "wrong"})
    gone = await explained(desk, settled["settlement_id"])

    assert ("114.25", "20.00", "30.00") == tuple(
        sums(part)[name] for name in ("submitted", "own", "aid")
    )
    assert "50.00" == str(part["payment"]["amount"]["value"])
    assert ("active", "part_refunded") == (part["status"], part["disposition"])
    assert ("cancelled", "cancelled") == (gone["status"], gone["disposition"])
    assert "payment" not in gone


async def test_what_was_never_settled_is_not_there(desk: Desk) -> None:
    """A refused bill, a tombstone, a stranger's id and no id at all."""
    await a_family(desk)
    await a_settlement(desk)
    await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "refused")
    found = await desk.get(HOSPITAL, "/v1/settlements?key=refused")
    reversal = await desk.post(HOSPITAL, "/v1/reversals", {"key": "never"})
    ids = [found.json()["settlement_id"], reversal.json().get("settlement_id") or "stl_x"]
    for named in (*map(fhir_id, ids), "stl-" + 32 * "0", "x"):
        answer = await desk.get(AUDITOR, f"/v1/fhir/ExplanationOfBenefit/{named}")
        is_refused(answer, 404, "NOT_FOUND")


async def test_a_pharmacy_is_told_as_one(desk: Desk) -> None:
    """The claim's type follows the class of the institution."""
    await a_family(desk)
    await an_institution(desk, PHARMACY, **{"class": "pharmacy"})
    claim = a_claim(med_type="41")
    settled = await desk.post(PHARMACY, "/v1/settlements", claim)
    told = await explained(desk, settled.json()["settlement_id"])

    assert ["pharmacy", "41"] == [one["code"] for one in told["type"]["coding"]]


async def paid(desk: Desk, day: str = DAY, who: Who = AUDITOR) -> dict[str, Any]:
    path = f"/v1/fhir/PaymentReconciliation/{HOSPITAL.subject}-{day}"
    return is_sound(await desk.get(who, path))


async def test_a_day_is_a_payment_reconciliation(desk_on_postgres: Desk) -> None:
    """A draft while it lasts; then final: later returns are adjustments of their own day."""
    desk = desk_on_postgres
    await a_family(desk)
    first = await a_settlement(desk)
    second = await a_settlement(desk, visit="v2", total="10.00", fund_pay="0.00")
    cancelled = await a_settlement(desk, visit="v3", total="5.00", fund_pay="0.00")
    path = f"/v1/settlements/{cancelled['settlement_id']}/cancellation"
    await desk.post(HOSPITAL, path, {})
    draft = await paid(desk)
    desk.clock.at += timedelta(days=1)
    final = await paid(desk)
    path = f"/v1/settlements/{first['settlement_id']}"
    await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "14.25"})
    after, later = await paid(desk), await paid(desk, "2026-03-03", HOSPITAL)

    assert ("draft", "active") == (draft["status"], final["status"])
    assert ["64.25", "10.00"] == [str(one["amount"]["value"]) for one in final["detail"]]
    assert "74.25" == str(final["paymentAmount"]["value"])
    named = [one["identifier"]["value"] for one in final["detail"]]
    assert [first["settlement_id"], second["settlement_id"]] == named
    assert final["detail"] == after["detail"]
    (back,) = later["detail"]
    assert ("adjustment", "-14.25", DAY) == (
        back["type"]["coding"][0]["code"],
        str(back["amount"]["value"]),
        back["date"],
    )
    assert "-14.25" == str(later["paymentAmount"]["value"])
    assert is_sound(await desk.get(AUDITOR, f"/v1/fhir/{back['response']['reference']}"))


async def test_a_day_is_its_institutions(desk_on_postgres: Desk) -> None:
    """For itself, its region's agency and auditors; a paid day is cleared; no future day."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    path = f"/v1/fhir/PaymentReconciliation/{HOSPITAL.subject}-{DAY}"
    for who in (PHARMACY, AGENCY_ELSEWHERE):
        is_refused(await desk.get(who, path), 404, "NOT_FOUND")
    is_refused(await desk.get(a_person("P1"), path), 403, "NOT_PERMITTED")
    desk.clock.at += timedelta(days=1)
    assert "payable" == (await paid(desk, who=AGENCY))["disposition"]
    cleared = f"/v1/institutions/{HOSPITAL.subject}/clearings"
    await desk.post(AGENCY, cleared, {"through": DAY})
    assert "cleared" == (await paid(desk, who=HOSPITAL))["disposition"]
    empty = await paid(desk, "2026-03-03")
    assert "0.00" == str(empty["paymentAmount"]["value"])
    assert "detail" not in empty
    for named, status, code in (
        (f"{HOSPITAL.subject}-2026-03-09", 422, "DATE_INVALID"),
        (f"{HOSPITAL.subject}-2026-02-30", 422, "QUERY_INVALID"),
        ("x", 404, "NOT_FOUND"),
        (f"NOBODY-{DAY}", 404, "NOT_FOUND"),
    ):
        answer = await desk.get(AUDITOR, f"/v1/fhir/PaymentReconciliation/{named}")
        is_refused(answer, status, code)


@pytest.mark.parametrize("text", ['"value":"1.00","currency"', '\\"value":"1.00","currency"', "元"])
def test_only_amounts_become_numbers(text: str) -> None:
    """A text that looks like an amount stays a text."""
    written = fhir_json({"display": text, "amount": {"value": "-0.50", "currency": "CNY"}})

    assert b'"amount":{"value":-0.50,"currency":"CNY"}' in written
    assert text == json.loads(written)["display"]


def test_the_rules_find_what_is_wrong() -> None:
    """Each kind of fault is found."""
    bad = {
        "resourceType": "PaymentReconciliation",
        "id": "a_b",
        "status": "done",
        "created": "today",
        "paymentDate": DAY,
        "outcome": "complete",
        "detail": [
            {"type": {"coding": [{"system": f"{TERMS}payment-type", "code": "x"}]}},
            {"type": {}},
        ],
    }

    assert 6 == len(faults_of(bad))
