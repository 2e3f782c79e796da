"""Shapes in which hospitals' systems write a message and read an answer, each a row of a table.

Written from the interface's description and from what such systems do (his-field-facts.md);
imports nothing of the service.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from tests.api.his.client import Wire
from tests.api.his.judge import TABLES, complaints, members, rewritten

BEIJING = timezone(timedelta(hours=8))
TIME = "%Y-%m-%d %H:%M:%S"
TIMES = re.compile(r"(\d{4}-\d\d-\d\d)( \d\d:\d\d:\d\d)?")
NUMBERS = re.compile(r"-?\d+(\.\d+)?")
MONEY = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "det_item_fee_sumamt", "pric")
Message = dict[str, Any]


class Shape(NamedTuple):
    """How a system writes messages and reads answers, and what its institution says of itself.

    `read` gives the reply as a dictionary, or raises where such a system would.
    """

    name: str
    write: Callable[[Message], bytes]
    read: Callable[[Message, bytes], Message]
    dialect: Message


def in_shape(shape: Shape, wire: Wire) -> Wire:
    """A wire that carries everything in this shape; files go as they are."""

    async def send(path: str, headers: dict[str, str], body: bytes) -> bytes:
        message = json.loads(body)
        raw = await wire(path, headers, shape.write(message))
        return raw if raw[:2] == b"PK" else json.dumps(shape.read(message, raw)).encode()

    return send


# ------------------------------------------------------------------------ writing


def plain(message: Message) -> bytes:
    """UTF-8, one object."""
    return json.dumps(message, ensure_ascii=False).encode()


def with_values(change: Callable[[str, Any], Any]) -> Callable[[Message], bytes]:
    """Every value of the input changed, by its name."""

    def walk(name: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
        if isinstance(value, dict):
            return {key: walk(key, held) for key, held in value.items()}
        if isinstance(value, list) and name != "in":
            return [walk(name, held) for held in value]
        return value if isinstance(value, list) else change(name, value)

    return lambda message: plain(message | {"input": walk("", message["input"])})


def _double(name: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Money as a sum of doubles: 128.5 becomes 128.5 and some 1e-14."""
    return float(value) + 0.1 + 0.2 - 0.3 if name in MONEY else value


def _at(text: str) -> datetime | None:
    found = TIMES.fullmatch(text)
    if found is None:
        return None
    return datetime.strptime(f"{found[1]}{found[2] or ' 00:00:00'}", TIME).replace(tzinfo=BEIJING)


def _millis(_: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
    at = _at(value) if isinstance(value, str) else None
    return value if at is None else int(at.timestamp() * 1000)


def _american(_: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
    """3/2/2026 10:15:00 AM."""
    at = _at(value) if isinstance(value, str) else None
    return value if at is None else f"{at.month}/{at.day}/{at:%Y %I:%M:%S %p}"


def _text(_: str, value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Numbers in quotation marks, and nothing as the word for it."""
    return "null" if value is None else str(value)


def _camels(message: Message) -> bytes:
    """Names from the properties of its classes, in underscores again."""
    text = json.dumps(message["input"], ensure_ascii=False)
    return plain(message | {"input": _named(_named(json.loads(text), _camel), _underscored)})


def _named(value: Any, name: Callable[[str], str]) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return {name(key): _named(held, name) for key, held in value.items()}
    return [_named(held, name) for held in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _underscored(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


# ------------------------------------------------------------------------ reading


def read(_: Message, raw: bytes) -> Message:
    """A reply with a whole number for its `infcode`; one that is missing would be 0."""
    reply: Message = json.loads(raw)
    code = reply.get("infcode", 0)
    if not isinstance(code, int) or code not in (0, -1):
        raise TypeError(code)
    return reply


def _whole_infcode(message: Message, raw: bytes) -> Message:
    """Into a class whose `infcode` is 0 before anything is read."""
    return {"infcode": 0, "output": None, "exp_content": "{}"} | read(message, raw)


def _camel_reading(message: Message, raw: bytes) -> Message:
    """Capitals rewritten in the whole output, and the names as properties for a while."""
    reply = read(message, raw)
    if reply["output"] is None:
        return reply
    return reply | {"output": _named(_named(rewritten(reply["output"]), _camel), _underscored)}


def _gbk(message: Message, raw: bytes) -> Message:
    return read(message, raw.decode("gbk").encode())


def _strict(message: Message, raw: bytes) -> Message:
    """Every node an object or a list, and every value of its type, as the tables have it."""
    reply = read(message, raw)
    infno = str(message["infno"]).removesuffix("A")
    if reply["infcode"] == 0 and TABLES[infno]["out"]:
        if wrong := list(complaints(infno, reply["output"])):
            raise TypeError(wrong)
        if isinstance(reply["output"], list) != (infno == "5204"):
            raise TypeError(infno)
    return reply


def _no_nulls(message: Message, raw: bytes) -> Message:
    reply = read(message, raw)
    if nulls := [name for name, value in _members(reply["output"]) if value is None]:
        raise TypeError(nulls)
    return reply


def _dated(message: Message, raw: bytes) -> Message:
    """Every member that is named as a time is one, or empty."""
    reply = read(message, raw)
    for name, value in _members(reply["output"]):
        if name.endswith(("time", "date")) and value and _at(value) is None:
            raise TypeError(name)
    return reply


def _texts(message: Message, raw: bytes) -> Message:
    """Every value of the output in quotation marks; sums are made of what they say."""
    reply = read(message, raw)
    for name, value in _members(reply["output"]):
        if not isinstance(value, str | dict | list):
            raise TypeError(name)
    return reply | {"output": _of_texts(reply["output"])}


def _of_texts(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return {
            name: float(held)
            if name.endswith(AMOUNTS) and NUMBERS.fullmatch(str(held))
            else _of_texts(held)
            for name, held in value.items()
        }
    return [_of_texts(held) for held in value] if isinstance(value, list) else value


AMOUNTS = ("_pay", "_sumamt", "_amt", "_am", "_payamt", "_dedc")
"""How the names of amounts end."""


def _members(output: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    return members([] if output is None else output)


SHAPES = (
    Shape("camel case", _camels, _camel_reading, {}),
    Shape("whole infcode", plain, _whole_infcode, {}),
    Shape("doubles", with_values(_double), read, {}),
    Shape("milliseconds", with_values(_millis), _dated, {}),
    Shape("american dates", with_values(_american), _dated, {}),
    Shape(
        "input in a text",
        lambda message: plain(message | {"input": json.dumps(message["input"])}),
        read,
        {},
    ),
    Shape("body in a text", lambda message: json.dumps(plain(message).decode()).encode(), read, {}),
    Shape("gbk", lambda message: plain(message).decode().encode("gbk"), _gbk, {}),
    Shape("strict types", plain, _strict, {}),
    Shape("no nulls", plain, _no_nulls, {}),
    Shape("all texts", with_values(_text), _texts, {"numbers": False}),
)
