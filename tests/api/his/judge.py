"""Judges messages by the published tables alone, and reads answers as hospitals' systems do.

Nothing here reads the service's own tables: what they have otherwise is what `deviations.toml`
declares.
"""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from tests.api.his.published import Column, Deviation, Node, Nodes, declared, published

TABLES = published()
DECLARED = declared()
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
OUR_IDS = (
    "mdtrt_id",
    "setl_id",
    "clr_appy_evt_id",
    "file_qury_no",
    "sign_no",
    "diag_info_id",
    "trt_dcla_detl_sn",
    "setl_list_id",
)
"""The members that hold a number of this service."""
HANDED_OUT = re.compile(r"[0-9a-z]{1,30}")
MONEY = {"acct_pay", "psn_part_amt"}
CASH = ("psn_cash_pay", "pdn_cash_pay", "cash_payamt")


def is_declared(*deviation: str) -> bool:
    """Whether the list of deviations has one."""
    return Deviation(*deviation) in DECLARED


def complaints(infno: str, output: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Everything in an output that the published tables do not allow."""
    tables: Nodes = TABLES.get(infno, {}).get("out", {})
    nodes = {n: t for n, t in tables.items() if not is_declared(infno, "out", n, "", "left out")}
    if not nodes:
        return
    if set(nodes) <= {"", "[]"}:
        (name,) = nodes
        yield from _node(infno, name, nodes[name], output)
        return
    for name, table in nodes.items():
        held = output.get(name.removesuffix("[]"))
        yield from _node(infno, name, table, held)
    for name in output:
        known = name in nodes or f"{name}[]" in nodes
        if not known and not is_declared(infno, "out", name, "", "added"):
            yield f"{infno}: a node of no table: {name}"


def _node(infno: str, name: str, table: Node, held: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(held, list) != name.endswith("[]") or not isinstance(held, list | dict):
        yield f"{infno} {name}: a list where an object is, or the other way round"
        return
    for row in held if isinstance(held, list) else [held]:
        for field, column in table.items():
            if field not in row:
                yield f"{infno} {name}.{field}: left out"
                continue
            if wrong := _value(infno, name, field, column, row[field]):
                yield f"{infno} {name}.{field}: {wrong}: {row[field]!r}"
        for field in row.keys() - table.keys():
            if not is_declared(infno, "out", name, field, "added"):
                yield f"{infno} {name}.{field}: in no table"


def _value(infno: str, node: str, field: str, column: Column, held: Any) -> str:  # noqa: ANN401
    """What is wrong with a value; an empty text if nothing is."""
    named = (infno, "out", node, field)
    if column.is_required and held in (None, "") and not is_declared(*named, "optional"):
        return "" if is_declared(*named, "empty") else "required, and missing"
    if held == "" or is_declared(*named, "kind"):
        return "no number" if held == "" and column.kind in "mni" else ""
    if column.kind in "mni":
        return _number(column, held)
    if not isinstance(held, str):
        return "no text"
    if column.kind in "dt":
        return "" if (TIME if column.kind == "t" else DAY).fullmatch(held) else "no such time"
    is_longer = len(held) > int(column.length) and not is_declared(*named, "length")
    return "too long" if is_longer else ""


def _number(column: Column, held: Any) -> str:  # noqa: ANN401 -- JSON
    if isinstance(held, bool) or not isinstance(held, int | float):
        return "no number"
    size, _, scale = ("16,2" if column.kind == "m" else column.length).partition(",")
    last = Decimal(str(held)).normalize().as_tuple().exponent
    if -int(last) > int(scale or 0) and column.length:
        return "too many decimals"
    return "too large" if size and abs(held) >= 10 ** int(size) else ""


def request_complaints(infno: str, sent: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Everything in an input that the published tables do not have, or require and miss."""
    for name, table in TABLES.get(infno, {}).get("in", {}).items():
        held = sent.get(name.removesuffix("[]"), [])
        for row in held if isinstance(held, list) else [held]:
            for field, column in table.items():
                value = row.get(field)
                if column.is_required and value in (None, ""):
                    yield f"{infno} {name}.{field}: required, and not sent"
                elif column.kind == "s" and len(str(value or "")) > int(column.length):
                    yield f"{infno} {name}.{field}: too long: {value!r}"
            for field in row.keys() - table.keys():
                if not is_declared(infno, "in", name, field, "added"):
                    yield f"{infno} {name}.{field}: in no table"


def empties(infno: str, output: Any) -> set[Deviation]:  # noqa: ANN401 -- JSON
    """The required fields of an output that are empty."""
    found: set[Deviation] = set()
    for name, table in TABLES.get(infno, {}).get("out", {}).items():
        key = name.removesuffix("[]")
        held = output.get(key, []) if key else output
        for row in held if isinstance(held, list) else [held]:
            found |= {
                Deviation(infno, "out", name, field, "empty")
                for field, column in table.items()
                if column.is_required
                and row.get(field) == ""
                and not is_declared(infno, "out", name, field, "optional")
            }
    return found


def members(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    """Every member of every object in a value, with its name."""
    rows: Iterable[Any] = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        yield from value.items()
    for row in rows:
        if isinstance(row, dict | list):
            yield from members(row)


def rewritten(output: Any) -> Any:  # noqa: ANN401 -- JSON
    """An output as a client reads it that turns camel case into underscores, and back.

    It rewrites the whole text, so capitals in values do not survive.
    """
    text = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", json.dumps(output)).lower()
    return json.loads(text)


def misreadings(reply: dict[str, Any]) -> Iterator[str]:
    """What hospitals' systems would misread in a reply."""
    if reply["infcode"] != 0 or not HANDED_OUT.fullmatch(reply["inf_refmsgid"]):
        yield f"no success, or no number: {reply['infcode']} {reply['inf_refmsgid']}"
    output = reply["output"]
    if output is None:
        return
    again = dict(members(rewritten(output)))
    for name, value in members(output):
        if value is None:
            yield f"{name} is null"
        if name in OUR_IDS and value and not HANDED_OUT.fullmatch(value):
            yield f"{name} is not of digits and small letters: {value}"
        if name in OUR_IDS and again[name.lower()] not in (value, *_values(output, name)):
            yield f"{name} does not survive: {value}"
    for bill in bills(output):
        yield from misread_money(bill)


def _values(output: Any, name: str) -> list[Any]:  # noqa: ANN401 -- JSON
    return [value for member, value in members(output) if member == name]


def bills(output: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 -- JSON
    """Every object of an output that says what the patient pays."""
    rows = output if isinstance(output, list) else [output]
    for row in rows:
        if isinstance(row, dict):
            if row.keys() >= MONEY:
                yield row
            yield from bills(list(row.values()))
        elif isinstance(row, list):
            yield from bills(row)


def misread_money(bill: dict[str, Any]) -> Iterator[str]:
    """The cash is what the patient has to pay less the account's part, as systems compute it."""
    fen = {name: round(bill[name] * 100) for name in (*MONEY, *CASH) if name in bill}
    for name in CASH:
        if fen[name] != fen["psn_part_amt"] - fen["acct_pay"]:
            yield f"{name} is {fen[name]}, but {fen} leaves another cash"
    if abs(bill["acct_mulaid_pay"]) > abs(bill["acct_pay"]):
        yield "the aid is not in the account's part"
    for name in ("psn_pay", "psn_part_am"):
        if bill[name] != bill["psn_part_amt"]:
            yield f"{name} is another sum than psn_part_amt"
