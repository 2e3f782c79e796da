"""Export, verify, witness and rotate as an operator, an auditor and a hospital run them."""

import base64
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyarrow import parquet

from tests import checker
from tests.api.programs import ROOT, Service, a_place, a_service, run

CODE, DAY = "H54250000001", "2026-06-30"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK = f"{DAY}T20:00:00+08:00"


@pytest.fixture(scope="module")
def day() -> Iterator[tuple[Path, Service]]:
    """A service that has told its day of demo families, and its place."""
    with a_place() as place, a_service(place / "data", "--clock", CLOCK) as service:
        yield place, service


def exported(place: Path, name: str, *options: str) -> tuple[Path, list[dict[str, Any]]]:
    """An export to a file, and its lines."""
    path = place / name
    run("export", str(path), "--data", str(place / "data"), *options)
    return path, [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def key_of(place: Path) -> str:
    """The newest verifier key, as it is handed out."""
    return run("export", "--public-key", "--data", str(place / "data")).splitlines()[0]


def test_a_day_is_exported_and_holds(day: tuple[Path, Service]) -> None:
    """The whole log of the demo, beside the running service: every check, every row."""
    place, _ = day
    path, (head, *rows) = exported(place, "whole.ndjson")
    key = key_of(place)
    told = run("verify", str(path), "--key", key)

    assert head["keys"] == [key]
    assert (1, len(rows), None) == (head["from"], head["to"], head["selection"])
    assert len(rows) == checker.opened(head["checkpoint"], key).size
    assert "FAULT" not in told
    assert "everything that was checked holds" in told
    assert any("checkpoint" in row for row in rows)
    assert list(range(1, len(rows) + 1)) == [row["position"] for row in rows]


def test_a_part_carries_its_proofs(day: tuple[Path, Service]) -> None:
    """From a position, to a position, and an institution's day, each checked with the key."""
    place, _ = day
    key = key_of(place)
    for options, skips in (
        (("--from", "20", "--to", "60"), True),
        (("--to", "80"), False),
        (("--institution", CODE, "--day", DAY), True),
    ):
        path, (_, *rows) = exported(place, "part.ndjson", *options)
        assert rows
        assert all(row["proof"] for row in rows)
        told = run("verify", str(path), "--key", key)
        assert skips == ("needs the log from its first row on" in told)
        text = path.read_text("utf-8").replace('"version":1,', '"version":2,', 3)
        path.write_text(text, "utf-8")
        assert "no proof leads to it" in run("verify", str(path), "--key", key, status=1)
    _, (head, *rows) = exported(place, "none.ndjson", "--institution", CODE, "--day", "2026-06-29")
    assert ([], {"institution": CODE, "day": "2026-06-29"}) == (rows, head["selection"])


def test_an_institutions_day_holds_its_bills_alone(day: tuple[Path, Service]) -> None:
    """Every settlement that the service lists for it that day, and nobody else's."""
    place, service = day
    _, (_, *rows) = exported(place, "day.ndjson", "--institution", CODE, "--day", DAY)
    token = run("token", "--data", str(place / "data"), "--role", "institution", "--subject", CODE)
    with httpx.Client(base_url=service.address, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {token.strip()}"}
        listed = client.get(f"/v1/settlements?day={DAY}&limit=200", headers=headers).json()
    named = {item["settlement_id"] for item in listed["items"]}

    assert named
    assert named == {f"stl_{row['stream']}" for row in rows}


def test_the_access_log_is_exported_and_holds(day: tuple[Path, Service]) -> None:
    """Who read what, also that nobody but the demo read: checked with the same key."""
    place, service = day
    token = run("token", "--data", str(place / "data"), "--role", "auditor").strip()
    with httpx.Client(base_url=service.address, trust_env=False) as client:
        looked = client.get(
            "/v1/audit/checkpoint", headers={"Authorization": f"Bearer {token}"}
        ).json()
        receipt = place / "seen.json"
        receipt.write_text(json.dumps(looked), "utf-8")
        settle_one(client, institution_token(place), "sealed with it")
    path, (head, *rows) = exported(place, "accesses.ndjson", "--accesses")
    told = run("verify", str(path), "--key", key_of(place), "--checkpoint", str(receipt))

    assert "everything that was checked holds" in told
    assert "not checked" not in told
    assert head["to"] == rows[-1]["position"]
    assert "GET /v1/audit/checkpoint" in {row["operation"] for row in rows}


def institution_token(place: Path) -> str:
    named = ("--role", "institution", "--subject", CODE)
    return run("token", "--data", str(place / "data"), *named).strip()


@pytest.mark.slow
def test_the_log_is_exported_as_a_table(day: tuple[Path, Service]) -> None:
    """Whole, a part, an institution's day: the rows of the lines, and at which checkpoint."""
    place, _ = day
    for options in ((), ("--from", "20", "--to", "60"), ("--institution", CODE, "--day", DAY)):
        _, (head, *rows) = exported(place, "lines.ndjson", *options)
        path, named = place / "log.parquet", ("--data", str(place / "data"))
        told = run("export", str(path), *named, "--parquet", *options)
        table = parquet.read_table(path)
        metadata = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}

        assert told == f"{len(rows)} rows\n"
        checkpoint = checker.opened(metadata["gongji.checkpoint"], key_of(place))
        assert checkpoint.size == checker.opened(head["checkpoint"], key_of(place)).size
        assert head["selection"] == json.loads(metadata["gongji.selection"])
        assert [str(head["from"]), str(head["to"])] == [
            metadata["gongji.from"],
            metadata["gongji.to"],
        ]
        for row, line in zip(table.to_pylist(), rows, strict=True):
            for name in ("position", "stream", "version", "topic", "state"):
                assert row[name] == line.get(name)
            assert line["leaf"] == base64.b64encode(row["leaf"]).decode()
            assert line["recorded_at"] == (row["recorded_at"] - EPOCH) // timedelta(microseconds=1)


def test_a_missing_library_says_how_to_install_it(tmp_path: Path) -> None:
    """Before anything is started: what is needed, and the command that installs it."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    asked = ("export", str(tmp_path / "x"), "--parquet", "--data", str(tmp_path / "data"))
    told = run(*asked, status=1, PYTHONPATH=path)

    assert "pip install 'pyarrow" in told
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_exported_says_so(day: tuple[Path, Service]) -> None:
    """Positions that are not there, no such institution, half a question: 1 or 2 and a sentence."""
    data = ("--data", str(day[0] / "data"))
    assert "positions from 1 to" in run("export", *data, "--from", "100000", status=1)
    assert "positions from 1 to" in run("export", *data, "--from", "9", "--to", "8", status=1)
    nobody = ("--institution", "NOBODY", "--day", DAY)
    assert "no institution NOBODY" in run("export", *data, *nobody, status=1)
    assert "go together" in run("export", *data, "--day", DAY, status=2)
    assert "takes a FILE" in run("export", *data, "--parquet", status=2)
    assert "without a part" in run("export", *data, "--accesses", "--from", "2", status=2)


def test_a_tail_that_was_cut_is_found_from_outside(day: tuple[Path, Service]) -> None:
    """Rows gone from an export are noticed; with an older header, by a kept checkpoint alone."""
    place, service = day
    token = run("token", "--data", str(place / "data"), "--role", "institution", "--subject", CODE)
    with httpx.Client(base_url=service.address, trust_env=False) as client:
        for visit in ("noon", "later"):  # each under a checkpoint of its own
            settle_one(client, token.strip(), visit)
    key = key_of(place)
    path, (head, *rows) = exported(place, "cut.ndjson")
    kept = place / "checkpoint.txt"
    kept.write_text(head["checkpoint"], "utf-8")
    ways = [row for row in rows[:-1] if "checkpoint" in row]
    last = ways[-1]["position"]
    shorter = head | {"to": last, "checkpoint": ways[-1]["checkpoint"]}
    lines = [json.dumps(line) for line in (shorter, *rows[:last])]
    path.write_text("\n".join(lines) + "\n", "utf-8")

    assert "everything that was checked holds" in run("verify", str(path), "--key", key)
    outside = ("--checkpoint", str(kept))
    told = run("verify", str(path), "--key", key, *outside, status=1)
    assert f"the log ends at {last}, and had {len(rows)} rows before" in told


def test_a_hospital_witnesses_and_keys_rotate(day: tuple[Path, Service]) -> None:
    """It signs what grew; after a rotation both keys are listed, and it is told the new one."""
    place, service = day
    data = ("--data", str(place / "data"))
    key, mine = key_of(place), place / "witness.json"
    token = run("token", *data, "--role", "institution", "--subject", CODE).strip()
    asked = (service.address, "--name", "hospital-1", "--file", str(mine), "--token", token)
    first = run("witness", *asked, "--key", key)
    assert re.search(r"\d+ rows, grown out of 0\n", first)
    again = run("witness", *asked, "--key", key)
    seen = re.findall(r"(\d+) rows, grown out of \1\n", again)
    assert 1 == len(seen)
    auditor = run("token", *data, "--role", "auditor").strip()
    with httpx.Client(base_url=service.address, trust_env=False) as client:
        bearer = {"Authorization": f"Bearer {auditor}"}
        looked = client.get("/v1/audit/checkpoint", headers=bearer).json()
        assert "\N{EM DASH} hospital-1 " in looked["witnessed"]
        run("rotate", *data)
        settle_one(client, token)
    assert "no signature of a known key" in run("witness", *asked, "--key", key, status=1)
    newer = key_of(place)
    assert [newer, key] == run("export", "--public-key", *data).splitlines()
    assert "grown out of" in run("witness", *asked, "--key", newer)
    path, _ = exported(place, "rotated.ndjson")
    run("verify", str(path), "--key", newer, "--key", key)


def settle_one(client: httpx.Client, token: str, visit: str = "evening") -> None:
    """One more bill, and wait until it is sealed: its receipt comes."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"one more {visit}"}
    claim = {
        "beneficiary": {"type": "person_no", "value": "DEMO01"},
        "visit": visit,
        "charge_batch": "1",
        "med_type": "11",
        "treated_at": CLOCK,
        "total": "8.00",
        "fund_pay": "5.00",
    }
    settled = client.post("/v1/settlements", headers=headers, json=claim)
    assert 201 == settled.status_code, settled.text
    path = f"/v1/settlements/{settled.json()['settlement_id']}/receipt"
    receipt = client.get(path, headers=headers, timeout=10)
    assert 200 == receipt.status_code, receipt.text
