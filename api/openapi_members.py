"""What the OpenAPI document's members, parameters and tags mean (`openapi_members.toml`)."""

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

TEXTS = Path(__file__).with_name("openapi_members.toml")


class Texts(NamedTuple):
    """The tables of the file; the file's head explains its keys."""

    tags: dict[str, str]
    parameters: dict[str, dict[str, str]]
    members: dict[str, str]


@lru_cache(maxsize=1)
def texts() -> Texts:
    """The texts of the document."""
    return Texts(**tomllib.loads(TEXTS.read_text(encoding="utf-8")))


def describe_members(document: dict[str, Any]) -> set[str]:
    """Describe every member and parameter that no model describes; the keys of the rows used."""
    return {key for key in (*_members(document), *_parameters(document)) if key is not None}


def _members(document: dict[str, Any]) -> Iterator[str | None]:
    rows = texts().members
    for schema, told in document["components"]["schemas"].items():
        for member, shape in told.get("properties", {}).items():
            key = _key(rows, schema, member)
            if "description" not in shape and key is not None:
                shape["description"] = rows[key]
                yield key


def _parameters(document: dict[str, Any]) -> Iterator[str | None]:
    rows = texts().parameters
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                key = _key(rows, operation["operationId"], parameter["name"])
                if "description" in parameter or key is None:
                    continue
                parameter["description"] = rows[key]["text"]
                if "example" in rows[key]:
                    parameter["example"] = rows[key]["example"]
                yield key


def _key(rows: dict[str, Any], owner: str, name: str) -> str | None:
    """The row of a name: its owner's own before the shared one."""
    return next((key for key in (f"{owner}.{name}", name) if key in rows), None)
