"""Columns from row types: what the database is told, and values there and back."""

from typing import Annotated, NamedTuple
from uuid import UUID

from aggregates.binding.events import Caps
from aggregates.vocabulary import StreamId, Use
from projections.kit import sql


class Row(NamedTuple):
    """A row with a column of every sort."""

    account: sql.AccountKey
    position: int
    version: sql.Integer
    use: Use | None
    caps: Annotated[Caps, sql.Members("cap_", integers=("per_day_fen",))]
    other: StreamId | None


COLUMNS = sql.RowColumns(Row)
KEY = UUID(int=7)
ROW = Row(StreamId(f"acc_{KEY.hex}"), 1, 2, Use.CARE, Caps(per_day_fen=3), None)


def test_columns_are_declared_by_their_fields() -> None:
    """A field's type is its column's; members are columns; what may be None is nullable."""
    assert (
        "account uuid NOT NULL, position bigint NOT NULL, version integer NOT NULL, use text,"
        " cap_per_settlement_fen bigint, cap_per_day_fen integer, cap_per_month_fen bigint,"
        " cap_per_year_fen bigint, cap_quota_fen bigint, other text"
    ) == COLUMNS.ddl


def test_an_upsert_changes_all_but_the_key() -> None:
    """The named columns change, or all but the first one."""
    assert COLUMNS.upsert("use").endswith("ON CONFLICT (account) DO UPDATE SET use = EXCLUDED.use")
    assert 9 == COLUMNS.upsert().count("EXCLUDED")


def test_a_row_comes_back_as_it_was_stored() -> None:
    """Values go out as the database takes them, and come back as the same row."""
    values = COLUMNS.values(ROW)

    assert [KEY.hex, 1, 2, "care", None, 3, None, None, None, None] == values
    assert ROW == COLUMNS.read([KEY, *values[1:]])
