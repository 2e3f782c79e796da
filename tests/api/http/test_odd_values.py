"""Values from outside at every look: whatever stands in a path or a query is no 5xx."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from aggregates.vocabulary import Instant, StreamId
from api.app import plain_app
from api.http.problems import problem_of
from service.caller import institution
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOSPITAL,
    Desk,
    Who,
    a_family,
    a_person,
    a_settlement,
)

WHOS = (AUDITOR, AGENCY, HOSPITAL, a_person("P1"))
HEX = "0" * 32
ODD = (
    "x",
    "\x00",
    "a\x00b",
    "-1",
    "9" * 18,
    str(2**63),
    "9" * 40,
    "1e999999",
    f"stl_{HEX[1:]}",
    f"stl_{HEX}",
    f"acc_{HEX}",
    "stl_" + "g" * 32,
    "२०२६",
    "%",
    "../..",
)


def looks() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in plain_app().openapi()["paths"].items():
        if "get" in item and path.startswith("/v1/"):
            yield path, item["get"]


LOOKS = dict(looks())


def addresses(path: str, look: dict[str, Any]) -> Iterator[str]:
    """A look with each odd value in each of its parameters; the others as they should be."""
    usual = {"settlement_id": f"stl_{HEX}", "month": "2026-03", "day": "2026-03-02"}
    parameters = [p for p in look.get("parameters", ()) if p["in"] in ("path", "query")]
    needed = [p for p in parameters if p["in"] == "path" or p.get("required")]
    for odd_one in parameters:
        for value in ODD:
            said = {p["name"]: usual.get(p["name"], "1") for p in needed}
            if odd_one["name"] in ("visit", "charge_batch"):
                said |= {"visit": "v", "charge_batch": "1"}
            if odd_one["name"] == "institution":
                said["day"] = "2026-03-02"
            said[odd_one["name"]] = value
            queries = "&".join(
                f"{p['name']}={quote(said[p['name']], safe='')}"
                for p in parameters
                if p["in"] == "query" and p["name"] in said
            )
            filled = path.format(**{name: quote(text, safe="") for name, text in said.items()})
            yield f"{filled}?{queries}"


async def test_no_odd_value_is_a_fault_of_ours(desk_on_postgres: Desk) -> None:
    """It is not there, or not of its shape: 4xx, and never "try again"."""
    desk = desk_on_postgres
    await a_family(desk)
    faults: list[tuple[str, int, str]] = []
    for path, look in LOOKS.items():
        sayings = list(addresses(path, look))
        who = HOSPITAL
        for one in WHOS if sayings else ():
            if (await desk.get(one, sayings[0])).status_code != 403:
                who = one
                break
        for address in sayings:
            answer = await desk.get(who, address)
            if answer.status_code >= 500:
                faults.append((address, answer.status_code, answer.json()["code"]))
    assert [] == faults


async def test_an_id_of_another_kind_is_unknown(desk_on_postgres: Desk) -> None:
    """The right digits under a wrong kind: 404 as for what does not exist."""
    desk: Desk = desk_on_postgres
    binding = await a_family(desk)
    settled = await a_settlement(desk)
    shown = (await desk.get(AUDITOR, f"/v1/settlements/{settled['settlement_id']}")).json()
    streams = [binding, settled["settlement_id"], shown["beneficiary_account"]]
    named = (
        ("/v1/settlements/{}", "stl"),
        ("/v1/settlements/{}/receipt", "stl"),
        ("/v1/audit/settlements/{}", "stl"),
        ("/v1/audit/bindings/{}", "bnd"),
        ("/v1/bindings/{}", "bnd"),
        ("/v1/holds/{}", "hld"),
        ("/v1/premiums/{}", "prm"),
        ("/v1/pools/{}", "fpl"),
        ("/v1/credential-links/{}", "lnk"),
        ("/v1/corrections/{}", "cor"),
    )
    assert "/v1/audit/settlements/{settlement_id}" in LOOKS
    tried: list[tuple[Who, str]] = []
    for path, kind in named:
        for stream in streams:
            if not stream.startswith(kind):
                for said in (f"{kind}_{stream[4:]}", stream):
                    tried += [(AUDITOR, path.format(said)), (a_person("P1"), path.format(said))]
    answers = [(path, (await desk.get(who, path)).status_code) for who, path in tried]
    assert [] == [(path, status) for path, status in answers if status not in (403, 404)]


async def test_what_the_database_does_not_take_is_not_tried_for_ever(
    desk_on_postgres: Desk,
) -> None:
    """It is told at once that nothing was applied; others go on."""
    context, caller = desk_on_postgres.context, institution(HOSPITAL.subject)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        reads.settlement(StreamId("stl_no-digits"))
        return Decision(answer=b"")

    with pytest.raises(asyncpg.DataError) as refused:
        await context.ask(caller, decide)
    await a_family(desk_on_postgres)

    assert ("INVARIANT_VIOLATION", "not_applied", {}) == problem_of(refused.value)
