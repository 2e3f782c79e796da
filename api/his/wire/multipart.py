"""9101 as a multipart form: the message, or only its input node, beside the file's bytes.

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
    """A message as bytes, and the file beside it."""

    message: bytes
    file: bytes


def read_form(kind: str, raw: bytes) -> Form | None:
    """A body of this content type as a form; None if it is no form.

    Raises:
        ProblemError: FILE_INVALID, JSON_INVALID, JSON_TOO_DEEP.
    """
    if not kind.lower().startswith(KIND):
        return None
    parts = _parts(kind, raw)
    file = next((parts[name] for name in FILES if name in parts), None)
    if file is None or MESSAGE not in parts:
        raise ProblemError("FILE_INVALID", field="in")
    message, _ = read_json(parts[MESSAGE])
    if not isinstance(message, Mapping):
        raise ProblemError("JSON_INVALID")
    if "infno" in message:
        return Form(parts[MESSAGE], file)
    number = hashlib.sha256(raw).hexdigest()[:MSGID_SIZE].upper()
    head = {"infno": UPLOAD, "msgid": number, "fixmedins_code": message.get("fixmedins_code")}
    return Form(json.dumps(head | {"input": {NODE: message}}, default=str).encode(), file)


def with_file(sent: Any, file: bytes) -> Any:  # noqa: ANN401 -- JSON
    """An upload's input with the file in the member that has it in a plain message."""
    outer = unfold(sent)
    node = unfold(outer.get(NODE, outer)) if isinstance(outer, Mapping) else None
    return {NODE: {**node, "in": file}} if isinstance(node, Mapping) else sent


def _parts(kind: str, raw: bytes) -> dict[str, bytes]:
    """Every part's bytes by its name."""
    boundary = _parameter(kind, "boundary")
    if not boundary:
        raise ProblemError("FILE_INVALID", field="boundary")
    parts: dict[str, bytes] = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:]:
        head, gap, body = part.partition(b"\r\n\r\n")
        for line in head.decode("latin-1").split("\r\n") if gap else ():
            title, _, value = line.partition(":")
            if title.strip().lower() == "content-disposition":
                parts.setdefault(_parameter(value.strip(), "name"), body)
    return parts


def _parameter(header: str, name: str) -> str:
    message = Message()
    message["Content-Type"] = header
    value = message.get_param(name)
    return value if isinstance(value, str) else ""
