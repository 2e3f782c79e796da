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
from api.openapi_examples import EXAMPLES

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
FILE = Path(__file__).with_name("openapi_examples.json")
"""Examples: of request bodies by method and path."""
IMPORT_LINES = "api.ndjson_import.lines"
REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Gongji 共济",
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
        )
        requests = json.loads(FILE.read_text(encoding="utf-8"))["requests"]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                operation["summary"] = operation["description"].split("\n", 1)[0]
                if "requestBody" in operation:
                    content = operation["requestBody"]["content"]["application/json"]
                    content["example"] = requests[f"{method.upper()} {path}"]
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        _, sent = models_json_schema(
            [(model, "validation") for model in _models()], ref_template=REF
        )
        schemas.update(sent["$defs"])
        for name, example in EXAMPLES.items():
            schemas[name]["example"] = example
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        }
        document["security"] = [{"bearer": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _models() -> list[type[BaseModel]]:
    return [*_kinds_of(Body), Problem, EventReply]


def _kinds_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Every body there is, of whichever file; import lines are not sent, loaded or not."""
    below = [
        kind
        for kind in model.__subclasses__()
        if kind.__module__.startswith("api.") and kind.__module__ != IMPORT_LINES
    ]
    return below + [deeper for kind in below for deeper in _kinds_of(kind)]
