"""The OpenAPI document: what FastAPI derives from the routes, with summaries and examples."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.audit.event_feed_responses import EventReply
from api.http.fields import Body
from api.http.schemas import Problem

DESCRIPTION = """
Gongji settles the personal part of a medical bill from a family's insurance accounts:
**the patient's own account first, then the sponsors' in the patient's order, the rest in cash**.

Amounts are strings of yuan with two decimals. Every POST that changes something takes an
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
"""
EXAMPLES = Path(__file__).with_name("openapi_examples.json")
"""Request bodies by method and path, answers by the name of their model."""
IMPORT_LINES = "api.ndjson_import.lines"
REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application; built once."""
    if app.openapi_schema is None:
        app.openapi_schema = _document_of(app)
    return app.openapi_schema


def _document_of(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Gongji 共济", version=app.version, description=DESCRIPTION, routes=app.routes
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    document["security"] = [{"bearer": []}]
    _, bodies = models_json_schema([(model, "validation") for model in _models()], ref_template=REF)
    components.setdefault("schemas", {}).update(bodies["$defs"])
    _add_summaries_and_examples(document)
    return document


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
    return [*_kinds_of(Body), Problem, EventReply]


def _kinds_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Every model of a body in the api; import lines are never sent over HTTP."""
    below = [
        kind
        for kind in model.__subclasses__()
        if kind.__module__.startswith("api.") and kind.__module__ != IMPORT_LINES
    ]
    return below + [deeper for kind in below for deeper in _kinds_of(kind)]
