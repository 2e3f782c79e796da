"""The verifier on files of any content: faults or a refusal, never anything else."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.verify.gongji_verify import VerifyError, main, print_report, read_key, verify
from service.proof.merkle import Leaf
from tests.exports import KEY, export_of
from tests.service.ledger.extreme_events import every_extreme
from tests.service.ledger.long_lives import Life
from tests.service.ledger.odd_logs import odd_log

DEEP = "[" * 50_000 + "]" * 50_000
ODD: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1e300, float("inf"), "", "\ud800", "9" * 5000)
values = st.sampled_from((*ODD, [], {}, [None], {"": []}, [[["acc_"]]], {"event": None}))


def leaves(rounds: int = 2) -> list[Leaf]:
    """Rows of a short life and of extremes, as a log holds them."""
    rows = [*Life().rows(rounds), *odd_log(every_extreme()).rows]
    return [
        Leaf(at, bytes.fromhex(row.stream[4:]), row.version, row.topic, 1_000_000 * at, row.state)
        for at, row in enumerate(rows, 1)
    ]


LINES = export_of(leaves(), ways=(3,))


def ends(lines: Sequence[str], outside: str | None = None) -> int:
    """Check lines and print what was found; the exit status, 2 where nothing can be checked."""
    try:
        return print_report(verify(lines, [read_key(KEY)], outside))
    except VerifyError:
        return 2


def test_a_log_of_extremes_ends_with_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """Every impossible history is told, and what the tree holds stays held."""
    assert 1 == ends(LINES)
    told = capsys.readouterr().out
    assert "ok    tree" in told
    assert "FAULTS FOUND" in told


def replaced(told: Any, path: Sequence[int], value: object) -> Any:  # noqa: ANN401
    """A JSON value with one of its parts replaced, found by numbers; strings are looked into."""
    if isinstance(told, str):
        try:
            inside = json.loads(told)
        except ValueError:
            return value
        if not path or not isinstance(inside, dict | list):
            return value
        return json.dumps(replaced(inside, path, value))
    if not path or not isinstance(told, dict | list) or not told:
        return value
    keys = list(told) if isinstance(told, dict) else list(range(len(told)))
    key = keys[path[0] % len(keys)]
    made = told.copy()
    made[key] = replaced(told[key], path[1:], value)
    return made


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_member_may_be_anything(data: st.DataObject) -> None:
    """One part of one line, the header too, replaced by something else."""
    count = data.draw(st.integers(2, 60))
    lines = LINES[:count]
    at = data.draw(st.integers(0, count - 1))
    path = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))
    lines[at] = json.dumps(replaced(json.loads(lines[at]), path, data.draw(values)))
    outside = data.draw(st.sampled_from((None, lines[0], "{", '{"proof": [1]}', "[1]")))

    assert ends(lines, outside) in (0, 1, 2)


@pytest.mark.parametrize("line", [DEEP, "", "null", "[]", "{}", '"', '{"position":1e999}', "\0"])
def test_any_line_may_stand_anywhere(line: str) -> None:
    """As the header, in the middle, at the end, alone."""
    assert 2 == ends([line])
    assert 2 == ends([line, *LINES[1:5]])
    assert 1 == ends([*LINES[:5], line, *LINES[5:9]])


def test_any_file_ends_with_a_status(
    tmp_path: Any,  # noqa: ANN401 -- a path
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No file, no text, nothing in it."""
    path = tmp_path / "export"
    for content in (None, b"", b"\xff\xfe", DEEP.encode(), b"{}"):
        if content is not None:
            path.write_bytes(content)
        assert 2 == main([str(path), "--key", KEY])
    assert "Traceback" not in capsys.readouterr().err
