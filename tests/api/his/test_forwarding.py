"""A transaction that is not ours goes to the region's centre, raw and once, whatever that does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from prometheus_client import generate_latest

from aggregates.vocabulary import SignatureStyle
from api.http.metrics import REGISTRY
from service.adapters.fsi_centre import OF_ONE_MAX, Centre, CentreKey, Centres
from service.ledger.access_log import AccessQuery
from service.ledger.postgres.store import PostgresStore
from tests.api.clients import HOSPITAL, PHARMACY, Desk, an_institution
from tests.api.his.centre import CentreOnASocket, a_centre
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import a_hospital, signs
from tests.api.his.signing import SECRET, x_ca, x_tif
from tests.ledgers import tamper

STOCK: dict[str, Any] = {"purcinfo": {"med_list_codg": "XA02", "memo": "药品,库存"}}
LONG_S, SHORT_S = 60.0, 0.3
"""A deadline that no test reaches, and one that a centre without an answer always does."""


@pytest.fixture
async def centre() -> AsyncIterator[CentreOnASocket]:
    """A centre that answers."""
    async with a_centre() as made:
        yield made


async def connect(
    desk: Desk, url: str, deadline_s: float = LONG_S, keys: Mapping[str, CentreKey] | None = None
) -> Centre:
    """Let the desk's regions have this centre."""
    await desk.context.centres.close()
    made = Centre(url, deadline_s=deadline_s)
    desk.context.centres = Centres({"": made}, keys or {})
    return made


def told(reply: dict[str, Any]) -> tuple[int, str, str]:
    """The `infcode`, the code and the outcome of a refusal."""
    facts = json.loads(reply["exp_content"])
    return reply["infcode"], facts["code"], facts["outcome"]


async def records(desk: Desk) -> list[tuple[str, str, str | None]]:
    """Who forwarded what, and how it went, as the access log has it, the newest first."""
    found = await desk.context.store.accesses(AccessQuery(10**9), 1000)
    accesses = [stored.access for stored in found if "forwarded" in stored.access.operation]
    return [(one.caller, one.operation, one.code) for one in accesses]


async def test_bytes_go_and_come_as_they_are(desk: Desk, centre: CentreOnASocket) -> None:
    """Body, content type and path reach the centre; its status, type and body come back."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    raw = json.dumps(his.envelope("3501", STOCK, his.msgid()), ensure_ascii=False).encode("gbk")
    path = f"{ENTRANCE}/3501?x=1"
    answer = await desk.front.post(path, content=raw, headers={"content-type": "text/plain"})
    (came,) = centre.desk.received

    assert ("POST", path, raw) == (came.method, came.path, came.body)
    assert "text/plain" == came.headers["content-type"]
    assert {"infno": "3501"} == answer.json()["output"]
    assert (200, "application/json;charset=UTF-8") == (
        answer.status_code,
        answer.headers["content-type"],
    )
    centre.desk.behave("unwell")
    unwell = await desk.front.post(path, content=raw)
    assert (500, -1) == (unwell.status_code, unwell.json()["infcode"])
    centre.desk.behave("refuses")
    refused = await desk.front.post(path, content=raw)
    assert "不予办理" == refused.json()["err_msg"]


async def test_an_address_with_a_path_gets_every_message(
    desk_on_postgres: Desk, centre: CentreOnASocket
) -> None:
    """A centre with one entrance; only a file keeps its path, by GET with its query too."""
    desk = desk_on_postgres
    await connect(desk, f"{centre.url}/mss/callService")
    his = await a_hospital(desk)
    await his.send("3301", {}, path="/fsi/api/catalogCompService/mapping")
    query = f"/fsi/api/fileupload/download?file_qury_no=F1&fixmedins_code={HOSPITAL.subject}"
    centre.desk.behave("file")
    files = [await desk.front.get(query)]
    wanted = {"fsDownloadIn": {"file_qury_no": "F1"}}
    raw = json.dumps(his.envelope("9102", wanted, his.msgid())).encode()
    files.append(await desk.front.post("/fsi/api/fileupload/download", content=raw))
    paths = [(one.method, one.path) for one in centre.desk.received]

    assert ("POST", "/mss/callService") == paths[0]
    assert [("GET", query), ("POST", "/fsi/api/fileupload/download")] == paths[1:]
    assert {b"PK\x03\x04"} == {answer.content for answer in files}
    assert "application/octet-stream" == files[0].headers["content-type"]


WRONG = {
    "slow": ("ok", "", ""),
    "wrong_type": ("ok", "", ""),
    "down": ("CENTRE_ANSWER_INVALID", "unknown", "garbled"),
    "garbled": ("CENTRE_ANSWER_INVALID", "unknown", "garbled"),
    "packed": ("CENTRE_ANSWER_INVALID", "unknown", "packed"),
    "no_infcode": ("CENTRE_ANSWER_INVALID", "unknown", "garbled"),
    "other_infno": ("CENTRE_ANSWER_INVALID", "unknown", "mismatched"),
    "other_msgid": ("CENTRE_ANSWER_INVALID", "unknown", "mismatched"),
    "huge": ("CENTRE_ANSWER_INVALID", "unknown", "too_large"),
    "breaks": ("CENTRE_SILENT", "unknown", "broken"),
}


async def test_a_bad_answer_is_not_passed_on(desk: Desk, centre: CentreOnASocket) -> None:
    """Every way to answer badly: -1, the outcome unknown, one call, one record."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    for word, (code, outcome, kept) in WRONG.items():
        centre.desk.behave(word)
        before = centre.came
        reply = await his.send("3505", STOCK)
        assert before + 1 == centre.came, word
        if code == "ok":
            assert 0 == reply["infcode"], word
            continue
        assert (-1, code, outcome) == told(reply), word
        caller, operation, refusal = (await records(desk))[0]
        assert (f"institution:{HOSPITAL.subject}", code) == (caller, refusal)
        assert operation.startswith("FSI 3505 forwarded sent=")
        assert operation.endswith(kept), word


@pytest.mark.parametrize("word", ["hang", "drip"])
async def test_a_deadline_ends_every_call(desk: Desk, centre: CentreOnASocket, word: str) -> None:
    """A centre that never ends its answer is left after the deadline, and not asked again."""
    made = await connect(desk, centre.url, SHORT_S)
    his = await a_hospital(desk)
    centre.desk.behave(word)
    reply = await his.send("3505", STOCK)

    assert (-1, "CENTRE_SILENT", "unknown") == told(reply)
    assert (1, 0) == (centre.came, made.under_way)


async def test_a_centre_that_is_not_there_got_nothing(desk: Desk, centre: CentreOnASocket) -> None:
    """Where no connection stands, nothing was applied."""
    await connect(desk, "http://127.0.0.1:9")
    reply = await (await a_hospital(desk)).send("3505", STOCK)

    assert (-1, "CENTRE_DOWN", "not_applied") == told(reply)
    assert 0 == centre.came


async def test_a_hanging_centre_delays_nothing_of_ours(desk: Desk, centre: CentreOnASocket) -> None:
    """200 calls at once: some wait, the others are refused unsent, and a bill is settled."""
    made = await connect(desk, centre.url)
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    centre.desk.behave("hang")
    calls = [asyncio.create_task(his.send("3505", STOCK)) for _ in range(200)]
    await centre.desk.have(OF_ONE_MAX)
    bill = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    waiting = [call for call in calls if not call.done()]

    assert 128.5 == bill["psn_part_amt"] + bill["fund_pay_sumamt"]
    assert (OF_ONE_MAX, OF_ONE_MAX) == (made.under_way, len(waiting))
    refused = {told(call.result()) for call in calls if call.done()}
    assert {(-1, "CENTRE_BUSY", "not_applied")} == refused
    centre.desk.behave("normal")
    assert {0} == {reply["infcode"] for reply in await asyncio.gather(*waiting)}
    assert (OF_ONE_MAX, 0) == (centre.came, made.under_way)


async def test_one_institution_leaves_room_for_others(desk: Desk, centre: CentreOnASocket) -> None:
    """The hospital's hanging calls use up its own share alone."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    await signs(desk, PHARMACY, {"style": "none"}, {})
    other = His(PHARMACY.subject, his.wire)
    centre.desk.behave("hang")
    calls = [asyncio.create_task(his.send("3505", STOCK)) for _ in range(OF_ONE_MAX)]
    await centre.desk.have(OF_ONE_MAX)
    waiting = asyncio.create_task(other.send("3505", STOCK))
    await centre.desk.have(OF_ONE_MAX + 1)
    centre.desk.behave("normal")

    assert 0 == (await waiting)["infcode"]
    await asyncio.gather(*calls)


async def test_only_the_authenticated_are_forwarded(desk: Desk, centre: CentreOnASocket) -> None:
    """Nobody's message, a suspended institution's, and a strange path never leave."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    await signs(desk, HOSPITAL, {"style": "x-ca", "paasid": "p", "secret": SECRET}, {})
    assert "SIGNATURE_INVALID" == told(await his.send("3301", {}))[1]
    await signs(desk, HOSPITAL, {"style": "none"}, {})
    assert "FSI_PATH_UNKNOWN" == told(await his.send("3301", {}, path="/fsi/api/%2e%2e/x"))[1]
    assert "INFNO_UNKNOWN" == told(await his.send("33 1", {}))[1]
    await an_institution(desk, HOSPITAL, status="suspended")
    assert "INSTITUTION_NOT_DESIGNATED" == told(await his.send("3301", {}))[1]
    assert 0 == centre.came


async def test_ours_stay_ours_and_variants_go(desk: Desk, centre: CentreOnASocket) -> None:
    """2207A is answered here, even if refused; 3203A is the centre's."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    ours = [await his.send(infno, {}) for infno in ("2207A", "3203", "9101")]
    theirs = await his.send("3203A", {})

    assert {-1} == {reply["infcode"] for reply in ours}
    assert (0, 1) == (theirs["infcode"], centre.came)


async def test_a_region_without_a_centre_says_so(desk: Desk, centre: CentreOnASocket) -> None:
    """Regions have their own centres; a province's counts for its areas."""
    made = Centre(centre.url)
    desk.context.centres = Centres({"420000": made})
    reply = await (await a_hospital(desk)).send("3301", {})

    assert (-1, "INFNO_UNKNOWN", "not_applied") == told(reply)
    assert "GONGJI_FSI_CENTRE_URL" in reply["err_msg"]
    assert (made, None) == (desk.context.centres.of("420100"), desk.context.centres.of("330100"))


async def test_a_signature_is_kept_or_made_anew(
    desk_on_postgres: Desk, centre: CentreOnASocket
) -> None:
    """Without a key the sender's own goes on; with one only the new one does. Tokens stay here."""
    desk = desk_on_postgres
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    raw = json.dumps(his.envelope("3301", {}, his.msgid())).encode()
    await signs(desk, HOSPITAL, {"style": "x-tif", "paasid": "paas", "secret": SECRET}, {})
    own = x_tif(raw, time.time())
    await desk.front.post(ENTRANCE, content=raw, headers=own | desk.bearer(HOSPITAL))
    key = CentreKey(style=SignatureStyle.X_CA, secret="theirs")
    await connect(desk, centre.url, keys={HOSPITAL.subject: key})
    await desk.front.post(ENTRANCE, content=raw, headers=x_tif(raw, time.time(), "n2"))
    kept, anew = (one.headers for one in centre.desk.received)
    stamp = anew["x-ca-signature"].partition(":")[0]

    assert own == {name: kept[name] for name in own}
    assert not {"authorization", "x-ca-signature"} & kept.keys()
    assert x_ca(raw, float(stamp), "theirs") == {n: anew[n] for n in anew if n.startswith("x-ca")}
    assert not [name for name in anew if name.startswith("x-tif")]


async def test_numbers_are_measured_and_nothing_else(desk: Desk, centre: CentreOnASocket) -> None:
    """A known number is a label of its own, invented ones are one label; a body is nowhere."""
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    for infno in ("3506", *(f"8{number:03d}" for number in range(5))):
        await his.send(infno, STOCK)
    lines = generate_latest(REGISTRY).decode()
    kept = await records(desk)

    assert 'gongji_fsi_centre_seconds_count{infno="3506",result="answered"}' in lines
    assert 'infno="other",result="answered"' in lines
    assert 'infno="8000"' not in lines
    assert 6 == len(kept)
    assert {None} == {code for _, _, code in kept}
    sizes = [operation.split()[3:] for _, operation, _ in kept]
    assert {("sent", "received", "answered")} == {
        (sent.partition("=")[0], received.partition("=")[0], word) for sent, received, word in sizes
    }


async def test_what_cannot_be_recorded_is_no_success(
    desk_on_postgres: Desk, centre: CentreOnASocket
) -> None:
    """The centre acted and the access log cannot say so: -1, and the outcome is unknown."""
    desk = desk_on_postgres
    await connect(desk, centre.url)
    his = await a_hospital(desk)
    assert isinstance(desk.context.store, PostgresStore)
    await tamper(desk.context.store.pool, "ALTER TABLE accesses RENAME TO gone")
    reply = await his.send("3301", {})

    assert (-1, "OUTCOME_UNKNOWN", "unknown") == told(reply)
    assert 1 == centre.came
