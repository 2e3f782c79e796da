"""What programs that read the OpenAPI document ask of it: names, texts with units, types, headers.

These are the rules that client generators and linters complained about.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.app import plain_app
from api.http.schemas import Problem
from api.openapi_members import texts

DOCUMENT: dict[str, Any] = json.loads(json.dumps(plain_app().openapi()))
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ROOT = Path(__file__).parents[3]
TYPED = {"type", "$ref", "anyOf", "oneOf", "enum", "const"}
NATIONAL = ("api/his/", "service/visit/", "aggregates/visit.py")
"""Their errors are told in the national form, which has no members for them."""
MADE = re.compile(r"Error\(\s*\w+=")
OPEN_OBJECTS = {"event", "input", "output", "editions"}
"""Members that hold what others define: stored events, national messages, rules."""


def members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for schema, told in SCHEMAS.items():
        for member, shape in told.get("properties", {}).items():
            yield schema, member, shape


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", ()):
            yield operation["operationId"], parameter


def answers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            yield name, status, answer


def rows_used(rows: dict[str, str], told: Iterator[tuple[str, str, str]]) -> set[str]:
    """The rows whose text somebody has whose row it is: an owner, a name and a text."""
    used = set()
    for owner, name, text in told:
        key = f"{owner}.{name}" if f"{owner}.{name}" in rows else name
        if rows.get(key) == text:
            used.add(key)
    return used


def untyped(shape: dict[str, Any]) -> bool:
    """Whether a shape, or what a list of it holds, may be anything."""
    if shape.get("type") == "array":
        return untyped(shape.get("items", {}))
    kinds = shape.get("anyOf", ())
    return not TYPED & set(shape) or any(map(untyped, kinds))


def test_operations_have_short_names_of_their_own() -> None:
    """Camel case of at most 32 letters; contract.md names these two."""
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert [] == [name for name in names if not re.fullmatch("[a-z][A-Za-z]{2,31}", name)]
    assert len(names) == len(set(names))
    assert {"settleClaim", "inviteBeneficiary"} <= set(names)


def test_a_package_may_be_named_after_the_document() -> None:
    """Generators name a package after the title; linters want a contact, a licence and servers."""
    info = DOCUMENT["info"]

    assert "Gongji" == info["title"]
    assert "共济" in info["description"]
    assert info["contact"]
    assert "Apache-2.0" == info["license"]["identifier"]
    assert ["/"] == [server["url"] for server in DOCUMENT["servers"]]


def test_every_tag_is_described() -> None:
    """Every operation has one tag, and every tag a sentence and an operation."""
    told = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"].endswith(".")}

    assert told == {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert {1} == {len(operation["tags"]) for operation in OPERATIONS.values()}


def test_every_member_and_parameter_is_described() -> None:
    """A sentence for each, whatever model or path it is of."""
    silent = [f"{s}.{m}" for s, m, shape in members() if not shape.get("description")]
    silent += [f"{o}: {p['name']}" for o, p in parameters() if not p.get("description")]

    assert [] == silent


def test_every_row_describes_something() -> None:
    """The table has no row that no member or parameter uses, and each is a sentence."""
    rows = texts().members
    told = ((schema, member, shape.get("description", "")) for schema, member, shape in members())
    of_parameters = {key: row["text"] for key, row in texts().parameters.items()}
    of_operations = ((o, p["name"], p.get("description", "")) for o, p in parameters())

    assert set() == set(rows) - rows_used(rows, told)
    assert set() == set(of_parameters) - rows_used(of_parameters, of_operations)
    assert [] == [key for key, text in (rows | of_parameters).items() if text[-1] not in ".`"]


def test_nothing_may_be_anything() -> None:
    """Every member and item has a type; objects without members are named here or FHIR's."""
    free = [f"{schema}.{member}" for schema, member, shape in members() if untyped(shape)]
    open_lists = [
        f"{schema}.{member}"
        for schema, member, shape in members()
        if shape.get("items", {}).get("additionalProperties") is True
        and member not in OPEN_OBJECTS
        and "(FHIR)" not in shape["description"]
    ]

    assert [] == free
    assert [] == open_lists


def test_schema_names_are_words() -> None:
    """No path of a module leaks into a name, as it does where two classes have one name."""
    assert [] == [name for name in SCHEMAS if not re.fullmatch("[A-Z][A-Za-z]+", name)]


def test_every_schema_is_used() -> None:
    """The document describes nothing that no operation takes or answers."""
    text = json.dumps(DOCUMENT)

    assert [] == [name for name in SCHEMAS if f'"#/components/schemas/{name}"' not in text]


def test_a_parameter_is_never_null() -> None:
    """It is sent or left out, so it has one type."""
    assert [] == [f"{o}: {p['name']}" for o, p in parameters() if "anyOf" in p["schema"]]


def test_a_refusal_is_a_problem() -> None:
    """Every answer of 4xx or 5xx is `application/problem+json`, except that of `/readyz`."""
    for name, status, answer in answers():
        if status >= "4" and name != "GET /readyz":
            assert ["application/problem+json"] == list(answer["content"]), (name, status)
    assert ["text/plain"] == list(OPERATIONS["GET /metrics"]["responses"]["200"]["content"])


def test_headers_of_answers_are_told() -> None:
    """When to come back, who is asked for, and whether an answer is a repeated one."""
    for name, status, answer in answers():
        told = set(answer.get("headers", ()))
        assert status not in {"429", "503"} or "Retry-After" in told, name
        assert status != "401" or "WWW-Authenticate" in told, name
    settled = OPERATIONS["POST /v1/settlements"]["responses"]["201"]["headers"]
    assert {"Gongji-Position", "Gongji-Since", "Idempotency-Replayed"} == set(settled)


def test_problems_tell_their_members() -> None:
    """Whatever facts a refusal carries are members of the problem's schema, with a type."""
    carried = set()
    for path in (path for room in ("aggregates", "service", "api") for path in rooms(room)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name.endswith("Error") and name != "UnreadError":
                    carried |= {word.arg for word in node.keywords if word.arg}

    renamed = {"current_status" if name == "status" else name for name in carried}
    assert len(renamed) > 30
    assert set() == renamed - set(Problem.model_fields)


def rooms(room: str) -> Iterator[Path]:
    """The modules of a room that make errors, without those of the national protocol."""
    for path in (ROOT / room).rglob("*.py"):
        if not path.relative_to(ROOT).as_posix().startswith(NATIONAL) and MADE.search(
            path.read_text(encoding="utf-8")
        ):
            yield path
