"""Queries of credential links: lists, displays, the feed; no code in plain text."""

import json
import logging

import pytest

from api.credential_link import LinksReply, LinkWithDisplaysReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_person,
    a_settlement,
    is_answered,
    is_refused,
)
from tests.api.credential_link.guardians import (
    G1,
    P1,
    PATH,
    X1,
    a_code,
    a_guarded_family,
    a_link,
    by_code,
)


async def test_links_are_listed_to_their_own(desk_on_postgres: Desk) -> None:
    """Each side lists its links, the newest first; an agency or an auditor names the person."""
    desk = desk_on_postgres
    await a_guarded_family(desk)
    second = await a_link(desk, "X1")
    await desk.post(P1, f"{second}/closure", {})
    seen = {}
    for who in (P1, G1, X1, a_person("S1")):
        listed = await desk.get(who, PATH)
        LinksReply.model_validate(listed.json())
        seen[who] = [(x["guardian"], x["status"]) for x in listed.json()["items"]]

    both = [("X1", "closed"), ("G1", "active")]
    assert [both, both[1:], both[:1], []] == list(seen.values())
    own = (await desk.get(P1, PATH)).json()
    for who in (AGENCY, NATION, AUDITOR):
        assert own == (await desk.get(who, f"{PATH}?person_no=P1")).json()
        is_refused(await desk.get(who, PATH), 422, "QUERY_INVALID")
    for who in (G1, AGENCY_ELSEWHERE):
        is_refused(await desk.get(who, f"{PATH}?person_no=P1"), 404, "NOT_FOUND")
    is_refused(await desk.get(HOSPITAL, PATH), 403, "NOT_PERMITTED")
    is_refused(await desk.get(P1, f"{PATH}?cursor=1"), 422, "PAGE_INVALID")
    first = (await desk.get(P1, f"{PATH}?limit=1")).json()
    rest = (await desk.get(P1, f"{PATH}?limit=1&cursor={first['next']}")).json()
    assert own["items"] == first["items"] + rest["items"]


async def test_the_displays_are_told_with_their_bills(desk_on_postgres: Desk) -> None:
    """Both sides, their agencies and auditors see each display and its settlements."""
    desk = desk_on_postgres
    path = await a_guarded_family(desk)
    first, second = await a_code(desk, path), await a_code(desk, path)
    bills = [
        await a_settlement(desk, visit=f"v{n}", beneficiary={"type": "e_credential", "value": code})
        for n, code in enumerate((first, first, second))
    ]
    refused = by_code(second, visit="v0")
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", refused), 409, "DUPLICATE_CLAIM")
    answers = [await desk.get(who, path) for who in (G1, P1, AGENCY, AGENCY_ELSEWHERE, AUDITOR)]

    ids = [bill["settlement_id"] for bill in bills]
    displays = is_answered(answers[0], LinkWithDisplaysReply)["displays"]
    assert [[ids[2]], ids[:2]] == [display["settlements"] for display in displays]
    assert {("http", "2026-03-02T10:20:00.000+08:00")} == {
        (display["channel"], display["shown_at"]) for display in displays
    }
    assert 1 == len({answer.content for answer in answers})
    listed = (await desk.get(G1, PATH)).json()["items"]
    alone = answers[0].json()
    assert [{name: alone[name] for name in listed[0]}] == listed


async def test_no_code_is_kept_or_told_in_clear(
    desk_on_postgres: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Tables, feed, problems, metrics and log lines contain no code; a card leaves no digest."""
    desk = desk_on_postgres
    caplog.set_level(logging.DEBUG, "gongji")
    path = await a_guarded_family(desk)
    code = await a_code(desk, path)
    settled = await desk.post(HOSPITAL, "/v1/settlements", by_code(code))
    await a_settlement(desk, visit="v2", beneficiary={"type": "id_card", "value": CANARY_ID})
    desk.clock.at = desk.clock.at.replace(hour=11)
    late = await desk.post(HOSPITAL, "/v1/settlements", by_code(code, visit="v3"))
    is_refused(late, 422, "CODE_EXPIRED")
    feed = (await desk.get(AUDITOR, "/v1/events?limit=1000")).text
    heard = [settled.text, late.text, feed, (await desk.get(G1, path)).text]
    heard += [(await desk.get(NATION, "/metrics")).text]
    heard += [record.getMessage() for record in caplog.records]
    pool = desk.context.store.pool  # type: ignore[attr-defined]
    for (table,) in await pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    ):
        for row in await pool.fetch(f"SELECT t::text, t.* FROM {table} t"):  # noqa: S608 -- our tables
            heard.append(row[0])
            heard += [v.decode("latin-1") for v in row.values() if isinstance(v, bytes)]

    assert [] == [told for told in heard if code in told or code.lower() in told]
    claims = [
        json.loads(line)["event"]["claim"]["credential"]
        for line in feed.splitlines()
        if '"settlement.settled/' in line
    ]
    assert [desk.context.vault.name("e_credential", code).hex(), None] == claims


async def test_an_agency_follows_the_links_of_its_region(desk_on_postgres: Desk) -> None:
    """Only the agencies of both sides' regions see a link in the feed."""
    desk = desk_on_postgres
    path = await a_guarded_family(desk)
    await a_code(desk, path)
    await desk.post(G1, f"{path}/closure", {})
    stream = path.rpartition("/")[2]
    topics = ["link.requested/1", "link.confirmed/1", "link.code-shown/1", "link.closed/1"]
    far = Who(AGENCY.role, "a3", "350000")
    for who, expected in (
        (AGENCY, topics),
        (AGENCY_ELSEWHERE, topics),
        (NATION, topics),
        (far, []),
    ):
        lines = (await desk.get(who, "/v1/events?limit=1000")).text.splitlines()
        facts = [json.loads(line) for line in lines]
        assert expected == [fact["topic"] for fact in facts if fact["stream"] == stream]
