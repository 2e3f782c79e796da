"""The README's walk: one settlement enters the files that it names, in the order it names them."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.api.clients import HOSPITAL, Desk, a_claim, a_family

ROOT = Path(__file__).resolve().parents[3]
STOPS = 7


def stops_of(page: str) -> list[str]:
    """The file that each numbered stop of the walk names first."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^\d\. `([a-z_/]+\.py)`", text, re.MULTILINE)


@contextmanager
def entered() -> Iterator[list[str]]:
    """The project's files in the order in which their functions are first called."""
    files: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            files.setdefault(str(path.relative_to(ROOT)))

    order: list[str] = []
    sys.setprofile(note)
    try:
        yield order
    finally:
        sys.setprofile(None)
        order += files


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
async def test_a_settlement_walks_as_the_readme_says(desk_on_postgres: Desk, page: str) -> None:
    """The stops are seven different files, and a settlement calls them first in that order."""
    desk, stops = desk_on_postgres, stops_of(page)
    await a_family(desk)
    with entered() as files:
        answer = await desk.post(HOSPITAL, "/v1/settlements", a_claim())

    assert 201 == answer.status_code
    assert STOPS == len(set(stops)) == len(stops)
    assert stops == [file for file in files if file in stops]
