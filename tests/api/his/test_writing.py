"""Every field of every answer can be missing, and is then what the institution reads."""

import json
from collections.abc import Iterator

import pytest

from api.his.wire.field_tables import TRANSACTIONS, FieldNode
from api.his.wire.writing import Style, write_fields


def nodes() -> Iterator[tuple[str, FieldNode]]:
    for infno, transaction in TRANSACTIONS.items():
        for node in transaction.gives:
            yield f"{infno}-{node.name}", node


NAMED = list(nodes())


@pytest.mark.parametrize("node", [n[1] for n in NAMED], ids=[n[0] for n in NAMED])
def test_a_missing_value_has_its_kind(node: FieldNode) -> None:
    """A number is 0 with its decimals, as a text where numbers are; all else is empty, or null."""
    optional = node._replace(fields=tuple(f._replace(is_required=False) for f in node.fields))
    filled, texts, nulls = (
        json.loads(write_fields(optional, {}, style), parse_float=str, parse_int=str)
        for style in (Style(), Style(numbers=False), Style(nulls=True))
    )
    zeros = {f.name: f"{0:.{2 if f.kind == 'm' else f.scale}f}" for f in node.fields}

    assert {f.name: zeros[f.name] if f.kind in "mni" else "" for f in node.fields} == filled
    assert filled == texts
    assert dict.fromkeys(zeros) == nulls
    assert '":0' not in write_fields(optional, {}, Style(numbers=False))
