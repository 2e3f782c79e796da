"""An export as a Parquet file, for calculations over the log.

It holds the rows of an export's lines without their proofs, and names the checkpoint. Keep the
lines to prove something.
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
    """The library that writes Parquet is not installed; the message says how to install it."""


def check_parquet() -> None:
    """Check that Parquet can be written. Raises ParquetMissingError."""
    _library()


async def write_parquet(path: Path, lines: AsyncIterator[str]) -> int:
    """Write an export's lines, the header first, as a file; the number of rows.

    Columns: position, stream (hex), version, topic, recorded_at (UTC), state (text) or
    state_bytes where it is no text, leaf (32 bytes). The header's members are the file's metadata.

    Raises:
        ParquetMissingError: the library is not installed; and what `export` raises.
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
        raise ParquetMissingError(NEEDED) from error


def _schema(arrow: Any, head: dict[str, Any]) -> Any:  # noqa: ANN401 -- an optional library
    """The columns, with the header's members as metadata."""
    metadata = {"format": FORMAT} | {
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
    return arrow.schema(columns, {f"gongji.{name}": text for name, text in metadata.items()})


def _row(line: dict[str, Any]) -> dict[str, Any]:
    """A line's columns; what is missing is null."""
    raw = line.get("state_base64")
    state_bytes = None if raw is None else from_b64(raw)
    return line | {"state_bytes": state_bytes, "leaf": from_b64(line["leaf"])}
