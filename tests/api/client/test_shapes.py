"""The client's shapes are the service's: names, required members and kinds, both ways."""

import json
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from api.app import plain_app
from gongji_client import shapes
from gongji_client.operations import UNKEYED

DOCUMENT: dict[str, Any] = json.loads(json.dumps(plain_app().openapi()))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SCHEMA_OF = {
    "IdentityJson": "IdentityBody",
    "LineJson": "LineBody",
    "ClaimJson": "ClaimBody",
    "PayerJson": "Payer",
    "PlanJson": "PlanReply",
    "QuoteJson": "QuoteReply",
    "RankedAmountJson": "RankedAmount",
    "RemainderJson": "RemainderReply",
    "SettlementJson": "SettlementReply",
    "RefusedJson": "RefusedReply",
    "PartJson": "PartReply",
    "ReturnedJson": "ReturnedReply",
    "CancellationJson": "CancellationReply",
    "RefundLineJson": "RefundLineBody",
    "RefundedJson": "Refunded",
    "RefundJson": "RefundReply",
    "ReversalJson": "ReversalReply",
    "IdCardJson": "IdCardBody",
    "EvidenceJson": "EvidenceBody",
    "CapsJson": "CapsBody",
    "CapsStandJson": "CapsReply",
    "InvitationJson": "BindingBody",
    "BindingJson": "BindingReply",
    "ConfirmationJson": "ConfirmationBody",
    "OrderJson": "OrderBody",
    "OrderStandJson": "OrderReply",
    "BalanceJson": "Balance",
    "SuspenseJson": "Suspense",
    "AccountJson": "AccountReply",
    "EntryJson": "ListedEntry",
    "SponsorPartJson": "SponsorPart",
    "BillReturnedJson": "BillReturned",
    "BillJson": "PatientBillReply",
    "ListedSettlementJson": "ListedSettlement",
    "LoggedEventJson": "EventReply",
    "ProblemFieldJson": "ProblemField",
    "ProblemJson": "Problem",
}
"""A shape and the schema it stands for; the names differ, as a type name means one thing."""
KINDS = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
CHANGES = ("post", "put", "patch", "delete")


def kinds_of_type(hint: Any) -> set[str]:  # noqa: ANN401 -- a type
    if hint in KINDS:
        return {KINDS[hint]}
    if is_typeddict(hint):
        return {SCHEMA_OF[hint.__name__]}
    if get_origin(hint) is list:
        return {f"list of {sorted(kinds_of_type(get_args(hint)[0]))}"}
    if get_origin(hint) is dict:
        return {"object"}
    return set[str]().union(*map(kinds_of_type, get_args(hint)))


def kinds_of_schema(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return {schema["$ref"].rpartition("/")[2]}
    if choices := schema.get("anyOf", schema.get("oneOf")):
        return set[str]().union(*map(kinds_of_schema, choices))
    if schema.get("type") == "array":
        return {f"list of {sorted(kinds_of_schema(schema['items']))}"}
    if "const" in schema or "enum" in schema:
        return {KINDS[type(value)] for value in schema.get("enum", [schema.get("const")])}
    return {schema["type"]}


def differences(shape: Any, schema: dict[str, Any]) -> dict[str, tuple[object, object]]:  # noqa: ANN401 -- a class
    """What a shape says of each member, and what the schema says, where that differs."""
    hints = get_type_hints(shape)
    said = {name: (name in shape.__required_keys__, kinds_of_type(hints[name])) for name in hints}
    required = schema.get("required", [])
    meant = {
        name: (name in required, kinds_of_schema(member))
        for name, member in schema["properties"].items()
    }
    names = said.keys() | meant.keys()
    return {
        name: (said.get(name), meant.get(name))
        for name in names
        if said.get(name) != meant.get(name)
    }


@pytest.mark.parametrize("name", SCHEMA_OF)
def test_a_shape_is_the_schema(name: str) -> None:
    """No member is missing, extra, of another kind, or required on one side only."""
    assert {} == differences(getattr(shapes, name), SCHEMAS[SCHEMA_OF[name]])


def test_a_member_that_comes_or_goes_is_seen() -> None:
    """A schema with another member, without one, and with one that became required differs."""
    schema = SCHEMAS["RefundLineBody"]
    members = schema["properties"]
    grown = schema | {"properties": members | {"unit": {"type": "string"}}}
    shrunk = schema | {"properties": {"line": members["line"]}}
    loose = schema | {"required": ["line"]}

    for other, name in ((grown, "unit"), (shrunk, "amount"), (loose, "amount")):
        assert {name} == set(differences(shapes.RefundLineJson, other))


def test_every_shape_is_compared() -> None:
    """No shape of the client is without its schema."""
    made = {name for name, kind in vars(shapes).items() if is_typeddict(kind)}

    assert set(SCHEMA_OF) == made


def test_the_changes_that_take_no_key_are_known() -> None:
    """A key is sent wherever the document asks for one, and nowhere else."""
    unkeyed = {
        path
        for path, methods in DOCUMENT["paths"].items()
        for method in CHANGES
        if path.startswith("/v1/")
        if method in methods
        if "Idempotency-Key" not in {p["name"] for p in methods[method].get("parameters", ())}
    }

    assert unkeyed == set(UNKEYED)
