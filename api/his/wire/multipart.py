"""9101 as a form (multipart): the message, or only what it would hold, beside the file's bytes.

Jilin's clients send `jsonStr` and the file as `in`; with `file` the message is whole.
"""

import hashlib
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple

from api.his.wire.reading import read_json, unfold
from api.http.problems import ProblemError

KIND = "multipart/form-data"
MESSAGE = "jsonStr"
FILES = ("in", "file")
UPLOAD, NODE = "9101", "fsUploadIn"
MSGID_SIZE = 30


class Form(NamedTuple):
    """A message as bytes, and the file that came beside it."""

    message: bytes
    file: bytes


def read_form(kind: str, raw: bytes) -> Form | None:
    """A body of this content type as a form; None where it is none.

    Raises:
        ProblemError: FILE_INVALID, JSON_INVALID, JSON_TOO_DEEP.
    """
    if not kind.lower().startswith(KIND):
        return None
    parts = _parts(kind, raw)
    file = next((parts[name] for name in FILES if name in parts), None)
    if file is None or MESSAGE not in parts:
        raise ProblemError("FILE_INVALID", field="in")
    told, _ = read_json(parts[MESSAGE])
    if not isinstance(told, Mapping):
        raise ProblemError("JSON_INVALID")
    if "infno" in told:
        return Form(parts[MESSAGE], file)
    number = hashlib.sha256(raw).hexdigest()[:MSGID_SIZE].upper()
    whole = {"infno": UPLOAD, "msgid": number, "fixmedins_code": told.get("fixmedins_code")}
    return Form(json.dumps(whole | {"input": {NODE: told}}, default=str).encode(), file)


def with_file(sent: Any, file: bytes) -> Any:  # noqa: ANN401 -- JSON
    """An upload's input with the file where it stands without a form."""
    node = unfold(sent)
    held = unfold(node.get(NODE, node)) if isinstance(node, Mapping) else None
    return {NODE: {**held, "in": file}} if isinstance(held, Mapping) else sent


def _parts(kind: str, raw: bytes) -> dict[str, bytes]:
    """Every part's bytes by its name."""
    boundary = _parameter(kind, "boundary")
    if not boundary:
        raise ProblemError("FILE_INVALID", field="boundary")
    found: dict[str, bytes] = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:]:
        head, gap, body = part.partition(b"\r\n\r\n")
        for line in head.decode("latin-1").split("\r\n") if gap else ():
            title, _, value = line.partition(":")
            if title.strip().lower() == "content-disposition":
                found.setdefault(_parameter(value.strip(), "name"), body)
    return found


def _parameter(header: str, name: str) -> str:
    held = Message()
    held["Content-Type"] = header
    value = held.get_param(name)
    return value if isinstance(value, str) else ""
