"""Cursors: what a page says of the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.kit.paging import LIMIT_MAX, NEWEST, CursorInvalidError, below, bounded, page


@given(st.integers(0, 60), st.integers(1, 12))
def test_pages_make_up_the_list(count: int, limit: int) -> None:
    """Following the cursors shows every row once, newest first, and then ends."""
    newest_first = list(range(count, 0, -1))
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(count + 1):
        found = [n for n in newest_first if n < below(cursor)][: limit + 1]
        rows, cursor = page(found, found, limit)
        seen += rows
        if cursor is None:
            break

    assert newest_first == seen


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "ééé", "_" * 11, "A" * 400, "A A", "\0"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """A text that no page gave is refused, whatever it is."""
    with pytest.raises(CursorInvalidError):
        below(cursor)


@given(st.text(max_size=16))
def test_a_cursor_is_a_position_or_refused(cursor: str) -> None:
    """Any text is a position or the one error that says it is not a cursor."""
    try:
        position = below(cursor)
    except CursorInvalidError:
        return
    assert 0 <= position <= NEWEST


def test_a_page_has_a_size() -> None:
    """A page holds at least one row and at most two hundred."""
    assert (1, 50, LIMIT_MAX) == (bounded(-3), bounded(50), bounded(10**9))
