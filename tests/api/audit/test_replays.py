"""Replays beside a running service: on the terminal, and as long work over HTTP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.audit.responses import ReplayReply
from service.embedded_postgres.server import running
from tests.api.programs import Service, a_place, a_service, run

PATIENCE_S = 120
PATH = "/v1/audit/replays"


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Path, Service]]:
    """A service that told the day of the demo, and its data directory."""
    with a_place() as place, a_service(place / "data") as service:
        yield place / "data", service


class Auditor:
    """An auditor at a running service."""

    def __init__(self, data: Path, service: Service) -> None:
        """Take a token."""
        token = run("token", "--data", str(data), "--role", "auditor").strip()
        self.address = service.address
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> httpx.Response:
        """Look."""
        return httpx.get(self.address + path, headers=self.headers, trust_env=False, timeout=30)

    def start(self, **body: object) -> httpx.Response:
        """Ask for a replay."""
        return httpx.post(
            self.address + PATH, json=body, headers=self.headers, trust_env=False, timeout=30
        )

    def ended(self, replay_id: str) -> dict[str, Any]:
        """A replay once it is over."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.get(f"{PATH}/{replay_id}").json()
            ReplayReply.model_validate(told)
            if told["status"] != "running":
                return told
            time.sleep(0.05)
        raise AssertionError("it did not end")


def change(data: Path, statement: str) -> None:
    dsn = running(data)
    assert dsn is not None
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert 1 == connection.execute(statement.encode()).rowcount


def test_the_demos_day_is_told_again_on_the_terminal(demo: tuple[Path, Service]) -> None:
    """Nothing differs and it ends with 0; as of a position less is told; beyond the log nothing."""
    data, _ = demo
    said = run("replay", "--data", str(data))
    early = run("replay", "--data", str(data), "--as-of", "100")
    never = run("replay", "--data", str(data), "--as-of", "1000000", status=2)

    assert said == run("replay", "--data", str(data), "--processes", "2")
    assert "differences: 0" in said
    assert "settlement.settled/1 26" in said
    assert "tables made again, 0 rows differ" in said
    assert "position 100: 100 events folded" in early
    assert "not compared" in early
    assert "does not reach so far" in never
    run("replay", "--data", str(data), "--as-of", "soon", status=2)


def test_one_changed_balance_is_told_exactly(demo: tuple[Path, Service]) -> None:
    """The line names the account, what is stored and what its events make; exit 1."""
    data, _ = demo
    richest = "WHERE stream = (SELECT stream FROM balances ORDER BY current_fen DESC LIMIT 1)"
    change(data, f"UPDATE heads SET current_fen = current_fen + 1 {richest}")  # noqa: S608
    said = run("replay", "--data", str(data), status=1)
    added = run("replay", "--data", str(data), "--balances", status=1)
    change(data, f"UPDATE heads SET current_fen = current_fen - 1 {richest}")  # noqa: S608

    assert "BALANCE: current, prior" in said.splitlines()[0]
    assert "differences: 1" in said
    assert said.split()[1] == added.split()[1]
    assert "differences: 1" in added
    assert "differences: 0" in run("replay", "--data", str(data), "--balances")
    assert "differences: 0" in run("replay", "--data", str(data))


def test_a_settlement_is_traced_on_the_terminal(demo: tuple[Path, Service]) -> None:
    """Its story in both languages, every decision the same; a person as he stood; or nothing."""
    data, service = demo
    auditor = Auditor(data, service)
    lines = auditor.get("/v1/events?limit=10000").text.splitlines()
    events = [json.loads(line) for line in lines]
    aided = [e for e in events if e["topic"] == "settlement.settled/1" and e["event"]["aid_fen"]]
    said = run("trace", "--data", str(data), aided[0]["stream"])
    stood = run("trace", "--data", str(data), "DEMO01", "--as-of", str(aided[0]["position"]))
    family = run("trace", "--data", str(data), "DEMO01", "--family")

    assert "双方确认绑定" in said
    assert "both sides agreed to the binding" in said
    assert "decided again: the same" in said
    assert aided[0]["position"] == json.loads(stood)["position"]
    assert json.loads(family)["sponsors"]
    assert "UNKNOWN" in run("trace", "--data", str(data), "NOBODY", status=1)


def test_a_replay_is_long_work_with_progress(demo: tuple[Path, Service]) -> None:
    """Accepted, one at a time, told how far it is, and at the end what it found."""
    auditor = Auditor(*demo)
    began = auditor.start()
    second = auditor.start()
    told = auditor.ended(began.json()["replay_id"])
    assert 202 == began.status_code, began.text
    assert (409, "REPLAY_RUNNING") == (second.status_code, second.json()["code"])
    assert began.json()["replay_id"] == second.json()["replay_id"]

    assert ("done", "equal") == (told["status"], told["result"])
    assert told["progress"]["done"] == told["progress"]["of"] == told["report"]["position"]
    assert 26 == told["report"]["decided_again"]["settlement.settled/1"]
    assert {0} == set(told["report"]["read_models"].values())
    early = auditor.ended(auditor.start(as_of="50").json()["replay_id"])
    assert (50, None, "equal") == (
        early["report"]["position"],
        early["report"]["read_models"],
        early["result"],
    )
    never = auditor.ended(auditor.start(as_of="1000000").json()["replay_id"])
    assert ("failed", None) == (never["status"], never["report"])
    assert 404 == auditor.get(f"{PATH}/rpl_0").status_code


def test_a_service_stops_while_it_replays() -> None:
    """What is under way ends with the service, which ends cleanly; the next one says so."""
    with a_place() as place:
        with a_service(place) as service:
            began = Auditor(place, service).start()
            assert 202 == began.status_code
            assert 0 == service.stop()
        with a_service(place) as service:
            auditor = Auditor(place, service)
            told = auditor.ended(began.json()["replay_id"])
            assert ("interrupted", None) == (told["status"], told["report"])
            again = auditor.ended(auditor.start().json()["replay_id"])
            assert ("done", "equal") == (again["status"], again["result"])
