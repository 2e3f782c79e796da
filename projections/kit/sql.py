"""The columns of a table from a NamedTuple row type: their DDL, lists for SQL, and values.

A field is a column of its name. Its type gives the SQL type and the conversions; a field that may
be None is nullable. `Annotated` with `SqlType` or `Members` overrides that.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import EnumMeta
from functools import partial
from types import NoneType
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from aggregates.vocabulary import StreamId
from projections.kit.table import key_of, stream_of

RowT = TypeVar("RowT", bound=tuple[Any, ...])


class SqlType(NamedTuple):
    """The SQL type of a column, and how its values are converted where they are."""

    sql: str
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None


class Members(NamedTuple):
    """Marks a field whose members are columns of their own, named with a prefix.

    `integers` are the members that are stored as integer instead of bigint.
    """

    prefix: str = ""
    integers: tuple[str, ...] = ()


def stream_key(prefix: str) -> SqlType:
    """A stream id of one kind, stored as its uuid."""
    return SqlType("uuid", partial(stream_of, prefix), key_of)


Integer = Annotated[int, SqlType("integer")]
AccountKey = Annotated[StreamId, stream_key("acc")]
InstitutionKey = Annotated[StreamId, stream_key("ins")]
SettlementKey = Annotated[StreamId, stream_key("stl")]

PLAIN = {
    int: SqlType("bigint"),
    str: SqlType("text"),
    StreamId: SqlType("text"),
    bool: SqlType("boolean"),
    date: SqlType("date"),
    datetime: SqlType("timestamptz"),
}


class TableColumn(NamedTuple):
    """One column of a table."""

    name: str
    stored: SqlType
    is_nullable: bool


class RowColumns(Generic[RowT]):
    """The columns of a row type; the first one is the key.

    `names` lists them, `unnest` is the call that makes rows of one array for each column, `ddl`
    declares them, and `select` finds the rows of an array of keys.
    """

    def __init__(self, row_type: Callable[..., RowT]) -> None:
        self._row_type = row_type
        self._nested: list[tuple[int, Callable[..., Any], list[str]]] = []
        self._columns: list[TableColumn] = []
        for at, (name, hint) in enumerate(get_type_hints(row_type, include_extras=True).items()):
            marker = getattr(hint, "__metadata__", (None,))[0]
            if isinstance(marker, Members):
                inner = get_type_hints(hint.__origin__)
                self._nested.append((at, hint.__origin__, list(inner)))
                self._columns += [_member(marker, *item) for item in inner.items()]
            else:
                self._columns.append(_column(name, hint))
        columns = self._columns
        self.names = ", ".join(column.name for column in columns)
        arrays = ", ".join(f"${n}::{column.stored.sql}[]" for n, column in enumerate(columns, 1))
        self.unnest = f"unnest({arrays})"
        self.ddl = ", ".join(map(_ddl, columns))
        key = f"{columns[0].name} = ANY ($1::{columns[0].stored.sql}[])"
        self.select = f"SELECT {self.names} FROM {{name}} WHERE {key}"  # noqa: S608 -- ours

    def insert(self, suffix: str = "") -> str:
        """The statement that inserts rows, into `{name}` with a suffix."""
        return f"INSERT INTO {{name}}{suffix} ({self.names}) SELECT * FROM {self.unnest}"  # noqa: S608 -- ours

    def upsert(self, *changing: str) -> str:
        """The statement that inserts rows, or updates these columns; all but the key if none."""
        key, *others = (column.name for column in self._columns)
        return f"{self.insert()} ON CONFLICT ({key}) DO UPDATE {assignments(changing or others)}"

    def read(self, record: Sequence[Any]) -> RowT:
        """A row from the values of a record in the order of `names`."""
        values = [
            value if value is None or stored.read is None else stored.read(value)
            for value, (_, stored, _) in zip(record, self._columns, strict=True)
        ]
        for at, make, members in self._nested:
            end = at + len(members)
            values[at:end] = [make(**dict(zip(members, values[at:end], strict=True)))]
        return self._row_type(*values)

    def values(self, row: RowT) -> list[Any]:
        """The values of a row to be stored, in the order of `names`."""
        values = list(row)
        for at, _, members in reversed(self._nested):
            values[at : at + 1] = [getattr(row[at], member) for member in members]
        return [
            value if value is None or stored.write is None else stored.write(value)
            for value, (_, stored, _) in zip(values, self._columns, strict=True)
        ]


def assignments(names: Sequence[str]) -> str:
    """The part of an upsert that updates these columns to the values that were to be inserted."""
    return "SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in names)


def _column(name: str, hint: Any) -> TableColumn:  # noqa: ANN401 -- any type
    is_nullable = NoneType in get_args(hint)
    if is_nullable:
        hint = next(option for option in get_args(hint) if option is not NoneType)
    if isinstance(hint, EnumMeta):
        return TableColumn(name, SqlType("text", hint), is_nullable)
    (stored,) = getattr(hint, "__metadata__", None) or (PLAIN[hint],)
    return TableColumn(name, stored, is_nullable)


def _member(marker: Members, name: str, hint: Any) -> TableColumn:  # noqa: ANN401 -- any type
    column = _column(marker.prefix + name, hint)
    return column._replace(stored=SqlType("integer")) if name in marker.integers else column


def _ddl(column: TableColumn) -> str:
    return f"{column.name} {column.stored.sql}{'' if column.is_nullable else ' NOT NULL'}"
