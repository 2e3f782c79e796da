"""The OpenAPI document: complete, with examples, and true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from aggregates.vocabulary import Reason
from api.app import plain_app
from api.http.fields import Body
from api.http.problems import ProblemError, answer_problem
from api.http.schemas import ApiModel
from api.http.texts import PROBLEM_TEXTS
from api.openapi import EXAMPLES
from tests.api.clients import Desk

DOCUMENT: dict[str, Any] = json.loads(json.dumps(plain_app().openapi()))
COMPONENTS = DOCUMENT["components"]
SCHEMAS = COMPONENTS["schemas"]
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def kinds_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    found = {kind.__name__: kind for kind in model.__subclasses__()}
    for kind in model.__subclasses__():
        found |= kinds_of(kind)
    return found


BODIES, REPLIES = kinds_of(Body), kinds_of(ApiModel)
PROMISED = {
    "GET /v1/me",
    "POST /v1/accounts",
    "GET /v1/accounts",
    "POST /v1/accounts:search",
    "GET /v1/accounts/{person_no}",
    "POST /v1/accounts/{person_no}/credits",
    "POST /v1/accounts/{person_no}/status",
    "POST /v1/accounts/{person_no}/suspense/{ticket}/payout",
    "POST /v1/accounts/{person_no}/erasure",
    "GET /v1/accounts/{person_no}/chronic-filings",
    "POST /v1/accounts/{person_no}/chronic-filings/{filing_id}/review",
    "GET /v1/accounts/{person_no}/entries",
    "GET /v1/accounts/{person_no}/bills",
    "GET /v1/accounts/{person_no}/deduction-order",
    "PUT /v1/accounts/{person_no}/deduction-order",
    "POST /v1/corrections",
    "GET /v1/corrections",
    "GET /v1/corrections/{correction_id}",
    "POST /v1/corrections/{correction_id}/approval",
    "POST /v1/corrections/{correction_id}/rejection",
    "POST /v1/kinships",
    "POST /v1/kinships/confirmations",
    "POST /v1/filings",
    "GET /v1/consents",
    "GET /v1/consents/{version}",
    "POST /v1/bindings",
    "GET /v1/bindings",
    "GET /v1/bindings/{binding_id}",
    "PATCH /v1/bindings/{binding_id}",
    "POST /v1/bindings/{binding_id}/confirmation",
    "POST /v1/bindings/{binding_id}/decline",
    "POST /v1/bindings/{binding_id}/release",
    "POST /v1/credential-links",
    "GET /v1/credential-links",
    "GET /v1/credential-links/{link_id}",
    "POST /v1/credential-links/{link_id}/confirmation",
    "POST /v1/credential-links/{link_id}/review",
    "POST /v1/credential-links/{link_id}/activation",
    "POST /v1/credential-links/{link_id}/codes",
    "POST /v1/credential-links/{link_id}/closure",
    "POST /v1/quotes",
    "POST /v1/policies/rehearsals",
    "GET /v1/policies/rehearsals/{rehearsal_id}",
    "GET /v1/audit/accesses",
    "GET /v1/audit/signals",
    "GET /v1/audit/streams/{stream_id}",
    "POST /v1/settlements",
    "GET /v1/settlements",
    "GET /v1/settlements/{settlement_id}",
    "GET /v1/settlements/{settlement_id}/why",
    "POST /v1/settlements:batch",
    "POST /v1/premiums",
    "GET /v1/premiums",
    "GET /v1/premiums/{premium_id}",
    "POST /v1/premiums/{premium_id}/reversal",
    "POST /v1/pools",
    "GET /v1/pools/{pool_id}",
    "GET /v1/pools/{pool_id}/entries",
    "POST /v1/pools/{pool_id}/transfers",
    "POST /v1/pools/{pool_id}/withdrawals",
    "GET /v1/events",
    "POST /v1/settlements/{settlement_id}/cancellation",
    "POST /v1/settlements/{settlement_id}/refunds",
    "POST /v1/reversals",
    "POST /v1/settlements/{settlement_id}/replacement",
    "POST /v1/holds",
    "GET /v1/holds/{hold_id}",
    "POST /v1/holds/{hold_id}/capture",
    "POST /v1/holds/{hold_id}/release",
    "GET /v1/institutions",
    "GET /v1/institutions/{code}",
    "GET /v1/institutions/{code}/fsi-check",
    "PUT /v1/institutions/{code}",
    "POST /v1/institutions/{code}/clearings",
    "GET /v1/institutions/{code}/clearing",
    "POST /v1/reconciliations",
    "GET /v1/fhir/ExplanationOfBenefit/{resource_id}",
    "GET /v1/fhir/PaymentReconciliation/{resource_id}",
    "GET /v1/audit/checkpoint",
    "GET /v1/audit/proofs/inclusion",
    "GET /v1/audit/proofs/consistency",
    "GET /v1/settlements/{settlement_id}/receipt",
    "GET /v1/witness/checkpoint",
    "PUT /v1/witness/cosignature",
    "GET /v1/policies",
    "GET /v1/policies/{region}",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def test_the_document_is_openapi_3_1() -> None:
    """Version 3.1, bearer security, every reference leads somewhere, every operation is there."""
    assert DOCUMENT["openapi"].startswith("3.1")
    assert [{"bearer": []}] == DOCUMENT["security"]
    places = {tuple(ref.removeprefix("#/components/").split("/")) for ref in references(DOCUMENT)}
    assert set() == {(kind, name) for kind, name in places if name not in COMPONENTS[kind]}
    assert set() == PROMISED - {name for name, _ in OPERATIONS}
    assert len({operation["operationId"] for _, operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_is_told_with_examples(name: str, operation: dict[str, Any]) -> None:
    """A sentence, an example for the body if it takes one, and one for its happy answer."""
    assert operation["description"]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        body = BODIES[content["schema"]["$ref"].rpartition("/")[2]]
        body.model_validate_json(json.dumps(content["example"]))
    status = next(status for status in operation["responses"] if status.startswith("2"))
    if name != "GET /metrics":
        schema = next(iter(operation["responses"][status]["content"].values()))["schema"]
        told = next(SCHEMAS[ref.rpartition("/")[2]] for ref in references(schema))
        model = REPLIES[told["title"]]
        model.model_validate(told["example"])


def test_every_example_is_of_something() -> None:
    """The file has no example of a body or an answer that there is not."""
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    with_body = [name for name, operation in OPERATIONS if "requestBody" in operation]

    assert sorted(with_body) == sorted(examples["requests"])
    assert set() == set(examples["answers"]) - set(REPLIES) - {"Problem"}


def test_every_code_is_in_the_document() -> None:
    """The schema of a problem lists every code, and its outcomes."""
    problem = SCHEMAS["Problem"]["properties"]

    assert list(PROBLEM_TEXTS) == problem["code"]["enum"]
    assert ["applied", "not_applied", "unknown"] == problem["outcome"]["enum"]


def test_every_reason_of_a_payer_is_in_the_document() -> None:
    """The reasons that a payer or a claim may give are one closed list."""
    listed = json.dumps(SCHEMAS["Payer"]["properties"]["reason"])

    assert [] == [reason for reason in Reason if f'"{reason.value}"' not in listed]


@pytest.mark.parametrize("code", PROBLEM_TEXTS)
def test_every_code_speaks_chinese_and_english(code: str) -> None:
    """A sentence in each language, with the status that the list says."""
    chinese = answer_problem(ProblemError(code), None)
    english = answer_problem(ProblemError(code), "en-US")
    details = [json.loads(bytes(answer.body))["detail"] for answer in (chinese, english)]

    assert PROBLEM_TEXTS[code].status == chinese.status_code == english.status_code
    assert not details[0].isascii()
    assert details[0].endswith("。")
    assert details[1].isascii()
    assert details[1].endswith(".")
    assert ("retry-after" in chinese.headers) == (PROBLEM_TEXTS[code].status in (429, 503))


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_the_document_is_served(desk: Desk, path: str) -> None:
    """The document and its readable form are at their addresses, without a token."""
    answer = await desk.front.get(path)

    assert 200 == answer.status_code
    if path == "/openapi.json":
        assert DOCUMENT == answer.json()
