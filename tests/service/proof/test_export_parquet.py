"""A table is made of an export's lines: every row, of any kind, in any number."""

from collections.abc import AsyncIterator
from pathlib import Path

from pyarrow import parquet

from service.proof.export_parquet import ROWS_MAX, write_parquet
from service.proof.merkle import Leaf
from tests.exports import ORIGIN, export_of


async def told(lines: list[str]) -> AsyncIterator[str]:
    for line in lines:
        yield line


def a_leaf(position: int, state: bytes) -> Leaf:
    return Leaf(position, bytes(16), position, "mypackage:Dog.Named", position, state)


async def test_rows_of_a_library_are_kept_as_bytes(tmp_path: Path) -> None:
    """A state that is no text has a column of its own."""
    path = tmp_path / "log.parquet"
    lines = export_of([a_leaf(1, b'{"name":"\xe5\xb0\x8f"}'), a_leaf(2, b"\xff\x00")])

    assert 2 == await write_parquet(path, told(lines))
    table = parquet.read_table(path)
    assert ['{"name":"小"}', None] == table["state"].to_pylist()
    assert [None, b"\xff\x00"] == table["state_bytes"].to_pylist()
    assert ORIGIN == table.schema.metadata[b"gongji.ledger"].decode()


async def test_a_long_log_is_written_group_by_group(tmp_path: Path) -> None:
    """No group has more rows than fit into memory, none is lost between two, and none may be."""
    path = tmp_path / "log.parquet"
    for count in (0, ROWS_MAX, ROWS_MAX + 1):
        lines = export_of([a_leaf(position, b"{}") for position in range(1, count + 1)])
        assert count == await write_parquet(path, told(lines))
        file = parquet.ParquetFile(path)
        groups = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]

        assert list(range(1, count + 1)) == file.read()["position"].to_pylist()
        assert [] == [size for size in groups if size > ROWS_MAX]
