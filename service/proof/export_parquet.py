"""An export as a Parquet file, for those who calculate with the log.

It holds the rows of the lines it is made of, and names the checkpoint they were exported at.
Proofs stay with the lines: who must prove something keeps those.
"""

import importlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from service.proof.signed_notes import from_b64

FORMAT = "gongji-parquet/1"
ROWS_MAX = 10_000
"""Rows in one row group, so that a log of any length fits into memory."""
NEEDED = (
    "Parquet needs pyarrow, which is not installed:"
    " .venv/bin/python -m pip install 'pyarrow>=26.0.1'"
    " (or uv pip install --python .venv/bin/python 'pyarrow>=26.0.1')"
)


class ParquetMissingError(Exception):
    """The library that writes Parquet is not installed; it is an extra of its own."""

    def __init__(self) -> None:
        """Say how to install it."""
        super().__init__(NEEDED)


def check_parquet() -> None:
    """Look whether Parquet can be written.

    Raises:
        ParquetMissingError: it cannot.
    """
    _library()


async def write_parquet(path: Path, lines: AsyncIterator[str]) -> int:
    """Write an export's lines, the header first, as a file; how many rows it has.

    Columns: position, stream (hex), version, topic, recorded_at (UTC), state (text) or
    state_bytes where it is none, leaf (32 bytes). The header's members are the file's metadata.

    Raises:
        ParquetMissingError: the library is not installed; the rest as `export`.
    """
    arrow, parquet = _library()
    schema = _schema(arrow, json.loads(await anext(lines)))
    count, group = 0, []
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        async for line in lines:
            group.append(_row(json.loads(line)))
            count += 1
            if len(group) == ROWS_MAX:
                writer.write_batch(arrow.RecordBatch.from_pylist(group, schema))
                group = []
        writer.write_batch(arrow.RecordBatch.from_pylist(group, schema))
    return count


def _library() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ParquetMissingError from error


def _schema(arrow: Any, head: dict[str, Any]) -> Any:  # noqa: ANN401 -- an optional library
    """The columns, and from the header what the file is of."""
    told = {"format": FORMAT} | {
        name: head[name] if isinstance(head[name], str) else json.dumps(head[name])
        for name in ("ledger", "from", "to", "selection", "keys", "checkpoint")
    }
    columns = {
        "position": arrow.int64(),
        "stream": arrow.string(),
        "version": arrow.int64(),
        "topic": arrow.dictionary(arrow.int32(), arrow.string()),
        "recorded_at": arrow.timestamp("us", tz="UTC"),
        "state": arrow.string(),
        "state_bytes": arrow.binary(),
        "leaf": arrow.binary(32),
    }
    return arrow.schema(columns, {f"gongji.{name}": text for name, text in told.items()})


def _row(told: dict[str, Any]) -> dict[str, Any]:
    """A line's row; what is not there is null."""
    raw = told.get("state_base64")
    return told | {
        "state_bytes": None if raw is None else from_b64(raw),
        "leaf": from_b64(told["leaf"]),
    }
