"""Exports of a longer log: parts over many pages, each row with a proof that holds."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from api.verify.gongji_verify import read_key, verify
from service.context import ServiceContext
from service.proof.export import PAGE, ExportRange, RangeInvalidError, export
from service.proof.proofs import NotSealedYetError
from service.proof.sealer import Sealer
from tests import checker
from tests.ledgers import tamper
from tests.projections.recorded_families import families
from tests.service.read_models.following import a_store, append, append_foreign
from tests.service.settlement.settled_family import a_context

BYTES = b"\xff\xfe not text"


async def lines_of(context: ServiceContext, part: ExportRange) -> list[str]:
    pool = context.store.pool  # type: ignore[attr-defined]
    return [line async for line in export(context, pool, part)]


def leaf_in_words(words: str, line: str) -> bool:
    """Whether a row's leaf is what the header's words make of it, for one who has them alone."""
    assert "the member state as UTF-8" in words
    assert "state_base64" in words
    row = json.loads(line)
    assert ("state" in row) != ("state_base64" in row)
    text = row.get("state")
    state = base64.b64decode(row["state_base64"]) if text is None else text.encode()
    parts = (
        row["position"].to_bytes(8, "big"),
        bytes.fromhex(row["stream"]),
        row["version"].to_bytes(8, "big"),
        row["topic"].encode(),
        row["recorded_at"].to_bytes(8, "big"),
        state,
    )
    told = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(b"\0" + told).digest() == base64.b64decode(row["leaf"])


async def test_every_part_proves_itself(dsn: str, tmp_path: Path) -> None:
    """Whole, from the middle, to the middle, one row: tree and contiguity hold for each."""
    async with a_store(dsn) as store:
        await append(store, families(range(1, 60)).rows())
        await append_foreign(dsn, "dogs:Dog.Registered", BYTES)
        await tamper(store.pool, "UPDATE events SET recorded_at = 2^51 WHERE recorded_at = 0")
    async with a_context(dsn, tmp_path) as context:
        with pytest.raises(NotSealedYetError):
            await lines_of(context, ExportRange())
        await Sealer(dsn, tmp_path / "keys.json", tmp_path).seal_now()
        size = await context.store.position()
        assert size > 2 * PAGE
        for first, last in ((1, None), (1, 300), (200, 600), (PAGE, PAGE), (size, None)):
            head, *rows = await lines_of(context, ExportRange(first, last))
            told: dict[str, Any] = json.loads(head)
            assert (first, last or size) == (told["from"], told["to"])
            walk = verify([head, *rows], [read_key(told["keys"][0])], None)
            # the families are made up: their books are not looked at
            found = [f for f in walk.faults.found if f.check in ("tree", "contiguity")]
            assert [] == found
            assert (last or size) - first + 1 == walk.rows
            assert size == checker.opened(told["checkpoint"], told["keys"][0]).size
            assert (last is None) == ('"state_base64"' in rows[-1])
            assert all(leaf_in_words(told["leaf"], row) for row in rows)
        for first, last in ((0, None), (1, size + 1), (5, 4)):
            with pytest.raises(RangeInvalidError, match=f"from 1 to {size}"):
                await lines_of(context, ExportRange(first, last))
