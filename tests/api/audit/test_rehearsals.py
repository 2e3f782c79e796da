"""Rehearsals beside a running service, as long work over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.audit.rehearsal_routes import RehearsalReply
from tests.api.clients import AGENCY, AUDITOR, HOSPITAL, Desk, is_refused
from tests.api.programs import ROOT, Service, a_place, a_service, run

PATIENCE_S = 120
PATH = "/v1/policies/rehearsals"
P0 = (ROOT / "service" / "regions" / "P0.toml").read_text(encoding="utf-8")
DRAFT = P0.replace('"p0/2020-01"', '"p0/draft"').replace(
    "reserve_fen            = 0", "reserve_fen = 9000000"
)


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Path, Service]]:
    """A service that told the day of the demo, and its data directory."""
    with a_place() as place, a_service(place / "data") as service:
        yield place / "data", service


class Rehearser:
    """Somebody at a running service who rehearses."""

    def __init__(self, data: Path, service: Service, *who: str) -> None:
        """Take a token."""
        token = run("token", "--data", str(data), "--role", *who).strip()
        self.address = service.address
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, rehearsal_id: str) -> httpx.Response:
        """Look."""
        path = f"{self.address}{PATH}/{rehearsal_id}"
        return httpx.get(path, headers=self.headers, trust_env=False, timeout=30)

    def start(self, draft: str, **body: object) -> httpx.Response:
        """Ask for a rehearsal."""
        asked = {"draft": draft} | body
        return httpx.post(
            self.address + PATH, json=asked, headers=self.headers, trust_env=False, timeout=30
        )

    def ended(self, rehearsal_id: str) -> dict[str, Any]:
        """A rehearsal once it is over."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.get(rehearsal_id).json()
            RehearsalReply.model_validate(told)
            if told["status"] != "running":
                return told
            time.sleep(0.05)
        raise AssertionError("it did not end")


def test_a_rehearsal_is_long_work_with_progress(demo: tuple[Path, Service]) -> None:
    """Accepted, one at a time, and at the end what it found; only its region's agency sees it."""
    auditor = Rehearser(*demo, "auditor")
    agency = Rehearser(*demo, "agency", "--region", "990000")
    elsewhere = Rehearser(*demo, "agency", "--region", "542500")
    began = auditor.start(P0)
    assert 202 == began.status_code, began.text
    second = auditor.start(P0)
    assert (409, "REHEARSAL_RUNNING") == (second.status_code, second.json()["code"])
    same = auditor.ended(began.json()["rehearsal_id"])
    other = agency.start(DRAFT, **{"from": "2020-01-01"})
    assert 202 == other.status_code, other.text
    told = agency.ended(other.json()["rehearsal_id"])

    assert ("done", "equal", 0) == (same["status"], same["result"], same["report"]["differences"])
    assert same["progress"]["done"] == same["progress"]["of"] == same["report"]["position"]
    assert ("done", "different") == (told["status"], told["result"])
    assert ("990000", "990000", "2020-01-01") == (told["code"], told["region"], told["from"])
    assert ["p0/draft"] == told["report"]["draft"]["editions"]
    assert told["report"]["total"]["bills"] < same["report"]["total"]["bills"]
    assert told["report"]["largest"]
    assert told["report"]["picture"].startswith("<svg")
    assert 404 == elsewhere.get(told["rehearsal_id"]).status_code
    assert 200 == auditor.get(told["rehearsal_id"]).status_code
    assert 404 == auditor.get("reh_0").status_code


def test_an_unsound_draft_is_refused(demo: tuple[Path, Service]) -> None:
    """What is wrong is named by file, edition and key; nothing starts."""
    auditor = Rehearser(*demo, "auditor")
    for draft, key in (
        (P0.replace("reserve_fen            = 0", "reserve_fen = -1"), "money.reserve_fen"),
        ("code = ", "draft.toml"),
        ("", "draft.toml"),
    ):
        refused = auditor.start(draft)
        assert (422, "DRAFT_UNSOUND") == (refused.status_code, refused.json()["code"])
        assert key in str(refused.json()["errors"])


async def test_who_may_rehearse(desk: Desk) -> None:
    """Auditors and agencies; an agency for its own region; without a database nobody."""
    body = {"draft": P0}
    is_refused(await desk.post(HOSPITAL, PATH, body), 403, "NOT_PERMITTED")
    is_refused(await desk.get(HOSPITAL, f"{PATH}/reh_1"), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY, PATH, body | {"region": "542500"}), 404, "NOT_FOUND")
    is_refused(await desk.post(AUDITOR, PATH, body), 503, "STORE_UNAVAILABLE")
    assert 422 == (await desk.post(AUDITOR, PATH, {"draft": 1})).status_code
    assert 422 == (await desk.post(AUDITOR, PATH, body | {"region": "9"})).status_code
