"""The client on a terminal: what it prints, and its exit status."""

import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from gongji_client.__main__ import main

QUIET = {"code": "DUPLICATE_CLAIM", "outcome": "not_applied", "detail": "The bill is settled."}


def ask(place: Path, status: int, body: object, words: Sequence[str] = ()) -> int:
    """Settle a claim where the service answers so; the exit status."""
    (place / "claim.json").write_text("{}", encoding="utf-8")
    (place / "token").write_text("token\n", encoding="utf-8")
    told = ["settle", str(place / "claim.json"), "--url", "http://desk"]
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return main([*told, "--token-file", str(place / "token"), *words], transport, lambda _: None)


def test_people_are_shown_the_main_members(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One a line; with --json the whole answer is one line."""
    settled = {"settlement_id": "stl_1", "status": "settled", "cash": "0.00", "position": 9}

    assert 0 == ask(tmp_path, 201, settled)
    assert "cash           0.00" in capsys.readouterr().out.splitlines()
    assert 0 == ask(tmp_path, 201, settled, ["--json"])
    assert settled == json.loads(capsys.readouterr().out)


def test_a_refusal_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its code and sentence are told."""
    assert 1 == ask(tmp_path, 409, QUIET, ["--json", "--key", "key-1"])
    out, err = capsys.readouterr()
    assert {"code": "DUPLICATE_CLAIM", "outcome": "not_applied", "key": "key-1"} == json.loads(out)
    assert "The bill is settled." in err


def test_a_doubt_ends_with_3_and_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks again needs the key, also where it was made here."""
    body = {"code": "OUTCOME_UNKNOWN", "outcome": "unknown", "detail": ""}

    assert 3 == ask(tmp_path, 503, body)
    assert "ask again with --key " in capsys.readouterr().err


def test_a_missing_file_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked."""
    words = ["settle", str(tmp_path / "none"), "--url", "http://desk", "--token-file", "none"]

    assert 2 == main(words)
    assert "none" in capsys.readouterr().err
