"""The OpenAPI document: what FastAPI derives from the routes, told whole, with examples."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.audit.event_feed_responses import EventReply
from api.http.fields import Body
from api.http.headers import REPLAYED
from api.http.openapi_helpers import HEADERS, PROBLEM, told_headers
from api.http.schemas import Problem
from api.openapi_members import describe_members, texts
from api.settlement.responses import PlanReply

DESCRIPTION = """
Gongji (共济) settles the personal part of a medical bill from a family's insurance accounts:
**the patient's own account first, then the sponsors' in the patient's order, the rest in cash**.

Amounts are strings of yuan with two decimals. A moment is RFC 3339, in answers in Beijing time; a
position is the number of an event in the log. Every answer under `/v1` has `Cache-Control:
no-store` and `X-Content-Type-Options: nosniff`. Every POST that changes something takes an
`Idempotency-Key`; ask again with the same key whenever an answer was lost: nothing is ever
done twice. Every error carries a `code` and an `outcome` (`applied`, `not_applied`, `unknown`).

A credential link (亲情账户) lets a guardian show a member's code at the counter. It shares no
money: who pays is decided by the member's own account and bindings, with the link or without.
An adult member confirms it himself; for a minor the kinship register names the guardian as a
parent, or the agency of his region reviews the evidence, and the guardian activates the link.
The log joins a display to its bills: `code` of `link.code-shown` is `claim.credential` of
`settlement.settled`, a keyed digest from which nobody makes the code.

Every request that shows something of a person or an institution, and every refusal, is in the
access log before its answer leaves; a change that was applied is its own record, in the event.
`Gongji-Purpose` (a code: a letter, then up to 39 letters, digits, dots or dashes) says in any
request what it is for, and is recorded with it; it names nobody.

Every example of a request body works as shown on a fresh `./gongji run`, whose people are
`DEMO01` to `DEMO38`. An id in a path (`stl_…`, `bnd_…`) is one of an answer before: the ledger
gives ids, so the example shows only their form. Premiums of the example are paid from September
to December, and reversed two hours later; a pool takes a transfer once its owner has the region's
`floor` (the example of a credit gives it). Pay-outs, reviews and cosignatures need what the demo
does not have: money kept aside, a filing or document under review, a witness's key.
"""
EXAMPLES = Path(__file__).with_name("openapi_examples.json")
"""Request bodies by method and path, answers by the name of their model."""
IMPORT_LINES = "api.ndjson_import.lines"
REF = "#/components/schemas/{model}"
NOT_OURS = ("HTTPValidationError", "ValidationError")
"""FastAPI's own schemas of a wrong parameter; ours is a problem."""
KEY, KEY_SCHEMA = "Idempotency-Key", {"type": "string", "pattern": "^[ -~]{1,64}$"}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application; built once."""
    if app.openapi_schema is None:
        app.openapi_schema = _document_of(app)
    return app.openapi_schema


def operation_id(route: APIRoute) -> str:
    """The name of a route's function in camel case: `settle_claim` is `settleClaim`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _document_of(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        contact={"name": "The operator of this ledger"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "The service that serves this document."}],
        tags=[{"name": name, "description": text} for name, text in texts().tags.items()],
    )
    document["security"] = [{"bearer": []}]
    components = document.setdefault("components", {})
    components["headers"] = HEADERS
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    _add_schemas(components.setdefault("schemas", {}))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _tell_parameters(method, operation)
            _tell_answers(path, operation)
    describe_members(document)
    _add_summaries_and_examples(document)
    return document


def _add_schemas(schemas: dict[str, Any]) -> None:
    """Add the bodies, the problem and the feed's event, which no route names to FastAPI."""
    _, bodies = models_json_schema([(model, "validation") for model in _models()], ref_template=REF)
    schemas.update(bodies["$defs"])
    schemas["Problem"]["properties"]["plan"] = {"$ref": REF.format(model=PlanReply.__name__)}
    for name in NOT_OURS:
        schemas.pop(name, None)


def _tell_parameters(method: str, operation: dict[str, Any]) -> None:
    """A parameter is sent or not, never null; a POST needs its key, a PUT or PATCH does not."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        assert len(kinds) <= 1, "a parameter has one type"
        schema.update(*kinds)
        if parameter["name"] == KEY:
            parameter["required"] = method == "post"
            parameter["schema"] = KEY_SCHEMA


def _tell_answers(path: str, operation: dict[str, Any]) -> None:
    """The headers of answers, and our problem in place of FastAPI's for a wrong parameter."""
    is_keyed = any(each["name"] == KEY for each in operation.get("parameters", ()))
    for status, answer in operation["responses"].items():
        if NOT_OURS[0] in json.dumps(answer):
            answer |= {"description": "Not of the right shape", "content": PROBLEM}
            answer["headers"] = told_headers("Content-Language")
        headers = answer.setdefault("headers", {})
        if status.startswith("2") and path.startswith("/v1/"):
            headers |= told_headers("Gongji-Position")
        if is_keyed and (status.startswith("2") or status == "409"):
            headers |= told_headers(REPLAYED)
        if not headers:
            del answer["headers"]


def _add_summaries_and_examples(document: dict[str, Any]) -> None:
    """Add them here: FastAPI would leave out the nulls of an example."""
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["summary"] = operation["description"].split("\n", 1)[0]
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                content["example"] = examples["requests"][f"{method.upper()} {path}"]
    for name, example in examples["answers"].items():
        document["components"]["schemas"][name]["example"] = example


def _models() -> list[type[BaseModel]]:
    return [*_kinds_of(Body), Problem, PlanReply, EventReply]


def _kinds_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Every model of a body in the api; import lines are never sent over HTTP."""
    below = [
        kind
        for kind in model.__subclasses__()
        if kind.__module__.startswith("api.") and kind.__module__ != IMPORT_LINES
    ]
    return below + [deeper for kind in below for deeper in _kinds_of(kind)]
