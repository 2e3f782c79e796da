"""The feed of events: whole, in order, once; to agencies what is theirs."""

import json
from typing import Any

import httpx
import pytest

from api.audit.event_feed_responses import EventReply
from tests.api.audit.feed_server import served, taken
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    ELSEWHERE,
    HOME,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    is_refused,
)
from tests.service.read_models.following import append_foreign

PATH = "/v1/events"
AFAR = Who(HOSPITAL.role, "H54250000009")


async def lines(desk: Desk, who: Who, query: str = "?limit=10000") -> list[dict[str, Any]]:
    """The feed as lines, held to their shape, order and header."""
    answer = await desk.get(who, PATH + query)
    assert 200 == answer.status_code, answer.text
    assert "application/x-ndjson" == answer.headers["content-type"]
    assert "no-store" == answer.headers["cache-control"]
    assert answer.text.endswith("\n") or not answer.content
    told = [json.loads(line) for line in answer.text.splitlines()]
    for line in told:
        EventReply.model_validate(line)
    positions = [line["position"] for line in told]
    assert sorted(set(positions)) == positions
    if positions:
        assert str(positions[-1]) == answer.headers["gongji-position"]
    return told


async def test_a_sealed_secret_is_not_told(desk_on_postgres: Desk) -> None:
    """How an institution signs is in the feed, its secret is not, not even as ciphertext."""
    desk = desk_on_postgres
    signature = {"style": "x-tif", "paasid": "hosp_paas", "secret": "a secret told once"}
    await an_institution(desk, signature=signature)
    last = (await lines(desk, AUDITOR))[-1]

    assert "institution.designated/1" == last["topic"]
    assert {"style": "x-tif", "paasid": "hosp_paas"} == last["event"]["signature"]
    assert "sealed" not in last["event"]


async def test_an_auditor_reads_the_whole_log(desk_on_postgres: Desk) -> None:
    """Every position once, amounts in fen, who did it and how; nothing sealed, no name."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk, beneficiary={"type": "id_card", "value": CANARY_ID})
    told = await lines(desk, AUDITOR)

    assert list(range(1, await desk.context.store.position() + 1)) == [x["position"] for x in told]
    assert told == await lines(desk, NATION)
    debits = [line["event"] for line in told if line["topic"] == "account.debited/1"]
    assert [2000, 4425] == [event["current_fen"] for event in debits]
    last = told[-1]
    assert (settled["settlement_id"], "settlement.settled/1", 1, settled["position"]) == (
        last["stream"],
        last["topic"],
        last["version"],
        last["position"],
    )
    assert ("institution:H99000000001", "http", None) == (
        last["actor"],
        last["channel"],
        last["on_behalf_of"],
    )
    assert "2026-03-02T10:20:00.000+08:00" == last["recorded_at"]
    opened = [line["event"] for line in told if line["topic"] == "account.opened/1"]
    assert {HOME} == {event["region"] for event in opened}
    assert "sealed" not in json.dumps(told)


async def test_nobody_is_named(desk_on_postgres: Desk) -> None:
    """The canary's number and name and every ciphertext stay out of lines and live messages."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk, beneficiary={"type": "id_card", "value": CANARY_ID})
    pool = desk.context.store.pool  # type: ignore[attr-defined]
    states = [bytes(state) for (state,) in await pool.fetch("SELECT state FROM events")]
    sealed = [json.loads(state)["event"].get("sealed") for state in states]
    secrets = [CANARY_ID, CANARY_NAME, *(word for word in sealed if word)]
    assert 4 == len(secrets)
    head = await desk.context.store.position()
    async with served(desk) as server:
        heard = json.dumps([m.event for m in await taken(server, AGENCY, head)])
    heard += (await desk.get(AUDITOR, f"{PATH}?limit=10000")).text

    assert [] == [secret for secret in secrets if secret in heard]


async def test_the_feed_is_read_in_pages(desk_on_postgres: Desk) -> None:
    """From one header's position to the next, nothing is left out; at the end it stays."""
    desk = desk_on_postgres
    await a_family(desk)
    whole = await lines(desk, AUDITOR)
    for limit in (1, 7, 300):
        told: list[dict[str, Any]] = []
        while page := await lines(desk, AUDITOR, f"?after={len(told)}&limit={limit}"):
            assert len(page) <= limit
            told += page
        assert whole == told
    end = await desk.get(AUDITOR, f"{PATH}?after={len(whole)}")
    assert (b"", str(len(whole))) == (end.content, end.headers["gongji-position"])
    ahead = await desk.get(AUDITOR, f"{PATH}?after=1000000")
    assert (b"", "1000000") == (ahead.content, ahead.headers["gongji-position"])


BAD = {
    "limit": ("?limit=1000000000", {}, "PAGE_INVALID"),
    "no limit": ("?limit=0", {}, "PAGE_INVALID"),
    "one too many": ("?limit=10001", {}, "PAGE_INVALID"),
    "negative": ("?after=-1", {}, "QUERY_INVALID"),
    "a word": ("?after=x%27--", {}, "QUERY_INVALID"),
    "too far": (f"?after={2**63}", {}, "QUERY_INVALID"),
    "an id that is none": ("", {"Last-Event-ID": "12; DROP"}, "QUERY_INVALID"),
    "a long id": ("", {"Last-Event-ID": "9" * 19}, "QUERY_INVALID"),
}


@pytest.mark.parametrize(("query", "headers", "code"), BAD.values(), ids=BAD)
async def test_a_bad_question_is_refused(
    desk: Desk, query: str, headers: dict[str, str], code: str
) -> None:
    """Limits, positions and ids of the wrong shape are 422 in both forms."""
    for accept in ("*/*", "text/event-stream"):
        answer = await desk.get(AUDITOR, PATH + query, **headers, Accept=accept)
        is_refused(answer, 422, code)


async def test_only_auditors_and_agencies_follow(desk: Desk) -> None:
    """Institutions, persons and operators are refused, live as well; without a token it is 401."""
    for who in (HOSPITAL, a_person("P1"), OPERATOR):
        for accept in ("*/*", "text/event-stream"):
            is_refused(await desk.get(who, PATH, Accept=accept), 403, "NOT_PERMITTED")
    is_refused(await desk.front.get(PATH), 401, "UNAUTHENTICATED")


# ---------------------------------------------------------------- to each region its own


async def a_border(desk: Desk) -> None:
    """Two regions with families, and patients treated on the other side."""
    await a_family(desk)
    await an_institution(desk, AFAR, region=ELSEWHERE)
    await an_account(desk, "E1", "100.00", region=ELSEWHERE)
    away = {"type": "person_no", "value": "E1"}
    for who, claim in (
        (HOSPITAL, a_claim()),
        (HOSPITAL, a_claim()),  # refused: the same bill
        (AFAR, a_claim(visit="v2")),
        (AFAR, a_claim(visit="v2")),
        (AFAR, a_claim(beneficiary=away, visit="v3")),
        (AFAR, a_claim(beneficiary=away, visit="v3")),
        (HOSPITAL, a_claim(beneficiary=away, visit="v4")),
    ):
        done = await desk.post(who, "/v1/settlements", claim)
        assert done.status_code in (201, 409), done.text
        if done.status_code == 201 and who is AFAR:
            path = f"/v1/settlements/{done.json()['settlement_id']}/cancellation"
            await desk.post(who, path, {})
            await desk.post(who, "/v1/settlements", claim)
    # an institution that moves, what it was paid, and what it was refused before and after
    await an_institution(desk, PHARMACY, status="suspended")
    await a_clearing(desk, "2026-02-27")
    await desk.post(PHARMACY, "/v1/settlements", a_claim(beneficiary=away, visit="v5"))
    await an_institution(desk, PHARMACY, region=ELSEWHERE, status="suspended")
    await a_clearing(desk, "2026-02-28")
    await desk.post(PHARMACY, "/v1/settlements", a_claim(beneficiary=away, visit="v6"))


async def a_clearing(desk: Desk, through: str) -> None:
    path = f"/v1/institutions/{PHARMACY.subject}/clearings"
    paid = await desk.post(NATION, path, {"through": through})
    assert 201 == paid.status_code, paid.text


def regions_of(log: list[dict[str, Any]]) -> list[set[str]]:
    """The regions of every event, worked out from the whole log in one walk."""
    of_stream: dict[str, set[str]] = {}
    found: list[set[str]] = []
    for line in log:
        stream, event, topic = line["stream"], line["event"], line["topic"]
        if "claim" in event:
            claim = event["claim"]
            place = {event["place_region"]} if "place_region" in event else set()
            place = place or of_stream[claim["institution"]]
            of_stream.setdefault(stream, of_stream[claim["beneficiary"]] | place)
        elif topic in ("binding.invitation-sent/1", "binding.stranger-invited/1"):
            of_stream[stream] = of_stream[event["sponsor"]] | of_stream[event["beneficiary"]]
        elif topic == "kinship.recorded/1":
            of_stream[stream] = of_stream[event["person"]]
        elif "region" in event:
            of_stream[stream] = {event["region"]}
        found.append(of_stream[stream])
    return found


async def test_an_agency_sees_its_region_and_nothing_else(desk_on_postgres: Desk) -> None:
    """Of every kind of event exactly its own, in lines and live; a third region sees no person."""
    desk = desk_on_postgres
    await a_border(desk)
    log = await lines(desk, AUDITOR)
    regions = regions_of(log)
    third = Who(AGENCY.role, "a3", "350000")
    for who, region in ((AGENCY, HOME), (AGENCY_ELSEWHERE, ELSEWHERE), (third, "350000")):
        own = [line for line, of in zip(log, regions, strict=True) if region in of]
        assert own == await lines(desk, who)
        for limit in (1, 3):
            assert own[:limit] == await lines(desk, who, f"?limit={limit}")
            middle = own[len(own) // 2]["position"]
            rest = [line for line in own if line["position"] > middle]
            assert rest[:limit] == await lines(desk, who, f"?after={middle}&limit={limit}")
        async with served(desk) as server:
            heard = await taken(server, who, own[-1]["position"])
        assert own == [message.event for message in heard]
    seen = [{line["topic"] for line in await lines(desk, who)} for who in (AGENCY, third)]
    assert {"settlement.refused/1", "settlement.cancelled/1", "binding.confirmed/1"} <= seen[0]
    assert {"policy.edition-published/1"} == seen[1]


async def test_a_place_and_a_patient_are_two_regions(desk_on_postgres: Desk) -> None:
    """Both agencies see a settlement across the border; each only its own accounts."""
    desk = desk_on_postgres
    await a_border(desk)
    here, there = await lines(desk, AGENCY), await lines(desk, AGENCY_ELSEWHERE)
    both = {x["position"] for x in here} & {x["position"] for x in there}
    shared = [line for line in here if line["position"] in both]

    assert {"settlement"} == {line["topic"].partition(".")[0] for line in shared}
    opened = "account.opened/1"
    assert 2 == [line["topic"] for line in here].count(opened)
    assert 1 == [line["topic"] for line in there].count(opened)
    moved = [x for x in (*here, *there) if x["event"].get("code") == PHARMACY.subject]
    assert [HOME, ELSEWHERE] == [line["event"]["region"] for line in moved]


# ---------------------------------------------------------------- what is not ours to read


async def test_what_a_newer_release_wrote_stops_the_feed(
    desk_on_postgres: Desk, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines before an unknown topic are told, and then it is said aloud; the library's pass."""
    desk = desk_on_postgres
    await a_family(desk)
    head = await desk.context.store.position()
    await append_foreign(dsn, "library.domain:Aggregate.Created")
    assert head == len(await lines(desk, AUDITOR))
    await append_foreign(dsn, "account.unheard-of/9")

    for who in (AUDITOR, AGENCY):
        last = (await lines(desk, who))[-1]["position"]
        end = await desk.get(who, f"{PATH}?after={last}")
        assert (500, "INTERNAL_ERROR") == (end.status_code, end.json()["code"])
        assert last <= head
    assert "unheard" not in caplog.text


async def test_a_row_that_cannot_be_read_cuts_the_answer(
    desk_on_postgres: Desk, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stored state of another shape is never told in part, and its words stay in the log."""
    desk = desk_on_postgres
    await a_family(desk)
    await append_foreign(dsn, "account.opened/1", b'{"act": "a secret"')
    async with served(desk) as server, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{server.address}{PATH}", headers=desk.bearer(AUDITOR))
        told = await client.get(f"{server.address}{PATH}", headers=desk.bearer(AGENCY))

    assert (500, "INTERNAL_ERROR") == (told.status_code, told.json()["code"])
    assert "a secret" not in caplog.text
