"""Pages of a list, newest first. A cursor is opaque to clients."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from projections.kit.table import Reader

T = TypeVar("T")
ListedT = TypeVar("ListedT", bound="PositionedRow")

LIMIT_MAX = 200
NEWEST = 2**63 - 1


class CursorInvalidError(ValueError):
    """The text is not a cursor that `page` made."""


class PositionedRow(Protocol):
    """A row of a list in the log's order."""

    @property
    def position(self) -> int:
        """The position in the log of the row's first event."""
        ...


class Page(NamedTuple, Generic[T]):
    """Some rows of a list, and the cursor of the next page; None after the last page."""

    rows: tuple[T, ...]
    next: str | None


def below(cursor: str | None) -> int:
    """The position below which the page of a cursor begins.

    Raises:
        CursorInvalidError: not a cursor.
    """
    if cursor is None:
        return NEWEST
    try:
        raw = base64.b64decode(cursor.encode() + b"=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalidError from error
    position = int.from_bytes(raw)
    if len(raw) != 8 or position > NEWEST:  # noqa: PLR2004 -- a bigint
        raise CursorInvalidError
    return position


def bounded(limit: int) -> int:
    """The size of a page: the requested one, at least 1 and at most `LIMIT_MAX`."""
    return max(1, min(limit, LIMIT_MAX))


def page(rows: Sequence[T], positions: Sequence[int], limit: int) -> Page[T]:
    """A page from up to `limit` + 1 rows; the extra row shows that another page follows."""
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    raw = positions[limit - 1].to_bytes(8)
    return Page(tuple(rows[:limit]), base64.urlsafe_b64encode(raw).decode().rstrip("="))


async def fetch_page(
    reader: Reader,
    query: str,
    arguments: Sequence[object],
    page_of: tuple[str | None, int],
    read: Callable[[Any], ListedT],
) -> Page[ListedT]:
    """The page of a cursor and a limit; they are the query's last two parameters.

    Raises:
        CursorInvalidError: not a cursor.
    """
    cursor, limit = page_of[0], bounded(page_of[1])
    found = await reader.fetch(query, *arguments, below(cursor), limit + 1)
    rows = [read(row) for row in found]
    return page(rows, [row.position for row in rows], limit)
