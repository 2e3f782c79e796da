"""Writes what hospitals' clients expect: every field of the table, in its exact form.

Amounts have two decimals, as numbers or as strings. A missing number is 0 and any other missing
value an empty text, or each is null where the institution says so. A value that the table does
not allow, or none where it requires one, is a bug here and fails an assertion.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from aggregates.vocabulary import BEIJING
from api.his.wire.field_tables import Field, FieldNode, Transaction
from service.serializers import signed_yuan

ZERO = "0.00"


class Style(NamedTuple):
    """What an institution reads: amounts as numbers or strings, text in ASCII or UTF-8.

    With `nulls` a missing value is null.
    """

    numbers: bool = True
    ascii: bool = False
    nulls: bool = False


Output = Mapping[str, Any]
"""Values by node: an object, or a list of objects; "" is the root itself, which may be a list."""


def write_output(transaction: Transaction, output: Output, style: Style) -> str:
    """A transaction's output as JSON; `null` where it gives nothing."""
    if not transaction.gives:
        return "null"
    parts: list[str] = []
    for node in transaction.gives:
        values = output[node.name]
        if not node.name:
            return _node(node, values, style)
        parts.append(f'"{node.name}":{_node(node, values, style)}')
    return "{" + ",".join(parts) + "}"


def _node(node: FieldNode, values: Any, style: Style) -> str:  # noqa: ANN401 -- object or list
    if node.is_list:
        assert isinstance(values, Sequence), node.name
        return "[" + ",".join(write_fields(node, row, style) for row in values) + "]"
    return write_fields(node, values, style)


def write_fields(node: FieldNode, values: Mapping[str, Any], style: Style) -> str:
    """One object with every field of its table, and nothing else."""
    parts: list[str] = []
    left = len(values)
    quote = "" if style.numbers else '"'
    for field in node.fields:
        value = values.get(field.name)
        if value is not None:
            left -= 1
            if field.kind == "m":
                parts.append(
                    f'"{field.name}":{quote}{signed_yuan(value) if value else ZERO}{quote}'
                )
            else:
                parts.append(f'"{field.name}":{_written(field, value, style)}')
            continue
        assert not field.is_required, field.name
        left -= field.name in values
        parts.append(f'"{field.name}":{_missing(field, style)}')
    assert not left, "a value without a field"
    return "{" + ",".join(parts) + "}"


def _missing(field: Field, style: Style) -> str:
    if style.nulls:
        return "null"
    if field.kind not in "mni":
        return '""'
    text = "0" if field.kind == "i" else _scaled("0", 2 if field.kind == "m" else field.scale)
    return text if style.numbers else f'"{text}"'


def _written(field: Field, value: Any, style: Style) -> str:  # noqa: ANN401 -- of any kind
    if field.kind == "s":
        assert len(value) <= field.size, field.name
        return encode_basestring_ascii(value) if style.ascii else encode_basestring(value)
    if field.kind in "dt":
        return f'"{_day(value) if field.kind == "d" else stamp(value)}"'
    text = _scaled(value, field.scale) if field.kind == "n" else str(value)
    return text if style.numbers else f'"{text}"'


def stamp(value: datetime) -> str:
    """A moment in Beijing to the second."""
    return value.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _day(value: date) -> str:
    return value.strftime("%Y-%m-%d")


def _scaled(text: str, scale: int) -> str:
    whole, _, part = text.partition(".")
    return f"{whole}.{part[:scale].ljust(scale, '0')}" if scale else whole
