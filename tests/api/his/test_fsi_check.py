"""The connection check tells a client exactly its faults, and a sound one that it is sound."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from api.commands import fsi_check as command
from api.his.deviations import FOLDER, read_toml
from api.his.fsi_check import ALWAYS, VERDICTS, kinds
from api.his.recording import REFUSALS, UNSIGNED
from api.his.wire.findings import FOUND_MAX
from service.clock import machine_now
from service.his.findings import KIND_MAX, FindingsBook, findings_of
from service.ledger.postgres.connect import make_pool
from service.ledger.postgres.store import READER_SETTINGS, PostgresStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    HOSPITAL,
    NATION,
    PHARMACY,
    Desk,
    a_person,
)
from tests.api.his.by_the_book import ByTheBook
from tests.api.his.client import ENTRANCE, RefusedError
from tests.api.his.desks import a_hospital, signs
from tests.api.his.signing import SECRET, x_ca
from tests.ledgers import tamper

PATH = f"/v1/institutions/{HOSPITAL.subject}/fsi-check"
WHO = {
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "ID-P1",
    "psn_cert_type": "01",
    "certno": "ID-P1",
    "psn_name": "王某",
}
Fact = tuple[str, str, str]
"""Number, kind, place."""
Body = dict[str, Any]


def utf8(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def with_data(**changes: object) -> Callable[[Body], bytes]:
    return lambda message: utf8(message | {"input": {"data": WHO | changes}})


def with_head(**changes: object) -> Callable[[Body], bytes]:
    return lambda message: utf8(message | changes)


def without(name: str) -> Callable[[Body], bytes]:
    data = {key: value for key, value in WHO.items() if key != name}
    return lambda message: utf8(message | {"input": {"data": data}})


FAULTS: dict[str, tuple[Callable[[Body], bytes], set[tuple[str, str]]]] = {
    "none": (utf8, set()),
    "gbk": (lambda m: json.dumps(m, ensure_ascii=False).encode("gbk"), {("gbk", "")}),
    "twice": (lambda m: utf8(json.dumps(m)), {("body_as_text", "")}),
    "input": (with_head(input=json.dumps({"data": WHO})), {("input_as_text", "")}),
    "node": (with_head(input={"data": json.dumps(WHO)}), {("input_as_text", "data")}),
    "flat": (with_head(input=WHO), {("flat_input", "data")}),
    "name": (with_head(input={"mdtrtinfo": WHO}), {("node_name", "data")}),
    "list": (with_head(input={"data": [WHO]}), {("list_for_object", "data")}),
    "extension": (with_data(exp_content={"a": 1}), {("object_as_text", "data.exp_content")}),
    "other name": (with_data(expContent="{}"), {("other_name", "data.exp_content")}),
    "unknown": (with_data(his_version="7"), {("unknown_member", "data.his_version")}),
    "a number": (with_data(**{CANARY_ID: "7"}), {("unknown_member", "data.?")}),
    "a sentence": (with_data(**{"王某 的": "7"}), {("unknown_member", "data.?")}),
    "in the head": (with_head(serv_code="x"), {("unknown_member", "head.serv_code")}),
    "word": (with_data(card_sn="null"), {("null_word", "data.card_sn")}),
    "boolean": (with_data(card_sn=True), {("boolean", "data.card_sn")}),
    "tab": (with_data(psn_name="王\t某"), {("trimmed", "data.psn_name")}),
    "space": (with_data(psn_name=" 王某"), {("trimmed", "data.psn_name")}),
    "small x": (
        with_data(mdtrt_cert_no=CANARY_ID.lower()),
        {("small_x", "data.mdtrt_cert_no")},
    ),
    "epoch": (with_data(begntime=1772417700000), {("epoch_date", "data.begntime")}),
    "american": (with_data(begntime="3/2/2026 10:15:00 AM"), {("us_date", "data.begntime")}),
    "slashes": (with_data(begntime="2026/03/02 10:15:00"), {("date_form", "data.begntime")}),
    "iso": (with_data(begntime="2026-03-02T10:15:00"), {("date_form", "data.begntime")}),
    "day": (with_data(begntime="2026-03-02"), {("day_alone", "data.begntime")}),
    "no date": (with_data(begntime="soon"), {("DATE_INVALID", "begntime")}),
    "left out": (without("certno"), {("left_out", "data.certno")}),
    "missing": (without("mdtrt_cert_no"), {("FIELD_REQUIRED", "mdtrt_cert_no")}),
    "too long": (with_data(card_sn="9" * 33), {("FIELD_INVALID", "card_sn")}),
    "nobody": (with_head(opter=""), {("left_out", "head.opter")}),
    "late": (with_head(inf_time="2026-03-02 09:00:00"), {("clock", "")}),
    "no time": (with_head(inf_time=""), {("inf_time_missing", "")}),
    "number": (with_head(msgid="1"), {("msgid_form", "")}),
    "another's": (
        with_head(msgid=f"{PHARMACY.subject}202603021015000001"),
        {("msgid_other", "")},
    ),
}


async def checked(desk: Desk) -> dict[str, Any]:
    answer = await desk.get(HOSPITAL, PATH)
    assert 200 == answer.status_code, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def facts(desk: Desk) -> dict[Fact, int]:
    """Every fact that the check tells, with its number of messages."""
    return {
        (one["infno"], one["kind"], one["place"]): one["messages"]
        for area in (await checked(desk))["areas"]
        for one in area["findings"]
    }


async def a_book(desk: Desk) -> ByTheBook:
    his = await a_hospital(desk)
    return ByTheBook(his.code, his.wire, certs=his.certs)


async def test_a_client_is_told_exactly_its_faults(desk: Desk) -> None:
    """One message with each fault; what a fault adds to the check is itself and nothing else."""
    his = await a_book(desk)
    before = await facts(desk)
    for name, (change, wanted) in FAULTS.items():
        raw = change(his.envelope("1101", {"data": WHO}, his.msgid()))
        await his.wire(ENTRANCE, {}, raw)
        after = await facts(desk)
        added = {fact for fact, count in after.items() if count != before.get(fact, 0)}
        assert {("1101", *one) for one in wanted} == added, name
        before = after
    check = await checked(desk)

    assert len(FAULTS) == check["messages"]
    assert "misread" == check["verdict"]
    text = json.dumps(check, ensure_ascii=False)
    assert not [value for value in (CANARY_ID, CANARY_ID.lower(), "王某", "P1") if value in text]


async def test_amounts_numbers_flags_and_ids(desk: Desk) -> None:
    """What only bills and fee lines show."""
    his = await a_book(desk)
    visit = await his.register("P1")
    line = his.fee(visit, "P1", "1", "128.50")
    await his.ask("2204", {"feedetail": [line | {"det_item_fee_sumamt": 128.50000000000003}]})
    await his.ask("2204", {"feedetail": [line | {"feedetl_sn": "2", "cnt": "1.00005"}]})
    await his.ask("2206", his.bill(visit, "P1", "257.00", acct_used_flag="2"))
    with pytest.raises(RefusedError):
        await his.ask("2206", his.bill(visit, "P1", "1.005"))
    with pytest.raises(RefusedError):
        await his.ask("2201", his.registration("P1", "OP9"), his.told[0][0]["msgid"])
    found = await facts(desk)

    wanted = {
        ("2204", "near_amount", "feedetail.det_item_fee_sumamt"),
        ("2204", "rounded", "feedetail.cnt"),
        ("2206", "flag_of_hunan", "data.acct_used_flag"),
        ("2206", "AMOUNT_FORMAT", "medfee_sumamt"),
        ("2201", "IDEMPOTENCY_KEY_REUSED", ""),
    }
    assert wanted == {fact for fact in found if fact[1] not in ("left_out", "unread_member")}


async def test_a_sound_client_is_told_so(desk: Desk) -> None:
    """What the published tables ask for, and every area is sound; before it nothing was seen."""
    his = await a_book(desk)
    unseen = await checked(desk)
    await his.register("P1")
    await his.ask("1101", {"data": WHO})
    check = await checked(desk)

    assert ("unseen", 0, []) == (unseen["verdict"], unseen["messages"], unseen["areas"])
    assert ("sound", 2) == (check["verdict"], check["messages"])
    assert {"sound"} == {area["verdict"] for area in check["areas"]}
    assert set(read_toml("findings.toml")["areas"]) == {area["area"] for area in check["areas"]}


async def test_signatures_count_by_their_code(desk: Desk) -> None:
    """A refused one leaves nothing else of its message: anybody can send one."""
    his = await a_book(desk)
    await signs(desk, HOSPITAL, {"style": "apikey", "secret": "s3cret"}, {})
    raw = with_data(his_version="7")(his.envelope("1101", {}, his.msgid()))
    await his.wire(ENTRANCE, {"apikey": "guess"}, raw)
    unknown = raw.replace(HOSPITAL.subject.encode(), b"H99999999999")
    await his.wire(ENTRANCE, {}, unknown)

    assert {("-", "SIGNATURE_INVALID", ""): 1} == await facts(desk)


async def test_a_signature_s_clock_is_compared(desk: Desk) -> None:
    """Two minutes are within the window and told; an hour is refused, and counts by its code."""
    his = await a_book(desk)
    await signs(desk, HOSPITAL, {"style": "x-ca", "secret": SECRET}, {})
    raw = utf8(his.envelope("1101", {"data": WHO}, his.msgid()))
    for late_s in (0, 120, 3600):
        await his.wire(ENTRANCE, x_ca(raw, machine_now().timestamp() - late_s), raw)
    told = await facts(desk)

    assert {("1101", "signature_clock", ""): 1, ("-", "CLOCK_SKEW", ""): 1} == told


async def test_others_do_not_see_it(desk: Desk) -> None:
    """Itself, its region's agency and the auditor; nobody else."""
    allowed = [await desk.get(who, PATH) for who in (HOSPITAL, AGENCY, NATION, AUDITOR)]
    foreign = [await desk.get(who, PATH) for who in (PHARMACY, AGENCY_ELSEWHERE)]
    person = await desk.get(a_person("P1"), PATH)

    assert {200} == {answer.status_code for answer in allowed}
    assert {404} == {answer.status_code for answer in foreign}
    assert 403 == person.status_code
    assert 401 == (await desk.front.get(PATH)).status_code


async def test_what_was_found_survives_and_is_asked_since(desk_on_postgres: Desk) -> None:
    """It is in the database when the answer is there; `since` leaves out what is older."""
    desk = desk_on_postgres
    his = await a_book(desk)
    await his.wire(ENTRANCE, {}, FAULTS["gbk"][0](his.envelope("1101", {"data": WHO}, "1")))
    assert {("1101", "gbk", ""): 1, ("1101", "msgid_form", ""): 1} == await facts(desk)
    since = machine_now().isoformat()
    later = await desk.front.get(PATH, params={"since": since}, headers=desk.bearer(HOSPITAL))

    assert isinstance(desk.context.store, PostgresStore)
    rows = await findings_of(desk.context.store.pool, HOSPITAL.subject, ALWAYS)
    assert {"message", "gbk", "msgid_form"} == {row.kind for row in rows}
    assert "unseen" == later.json()["verdict"]


async def test_ten_thousand_names_stay_bounded(desk_on_postgres: Desk) -> None:
    """In one message, in memory, and in the table; other kinds still fit beside them."""
    his = await a_book(desk_on_postgres)
    letters = "abcdefghij"
    names = [f"x{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters]
    await his.send("1101", {"data": WHO | dict.fromkeys(names, "x")})
    assert FOUND_MAX == len(await facts(desk_on_postgres))

    store, dropped = desk_on_postgres.context.store, list[int]()
    assert isinstance(store, PostgresStore)
    book = FindingsBook(store.pool, dropped.append)
    for first in range(0, len(names), 1000):
        found = [("unknown_member", f"n.{name}") for name in names[first : first + 1000]]
        book.add(HOSPITAL.subject, "2207", [*found, ("gbk", "")], machine_now())
        await book.write()
    await book.close()
    rows = await findings_of(store.pool, HOSPITAL.subject, ALWAYS)

    assert KIND_MAX == len([row for row in rows if row.kind == "unknown_member"])
    assert [10] == [row.messages for row in rows if (row.kind, row.infno) == ("gbk", "2207")]
    assert len(names) - (KIND_MAX - FOUND_MAX) == sum(dropped)


async def test_bills_are_settled_while_nothing_can_be_kept(desk_on_postgres: Desk) -> None:
    """The table is gone: what was found is dropped and counted, and money moves as ever."""
    store, dropped = desk_on_postgres.context.store, list[int]()
    assert isinstance(store, PostgresStore)
    await tamper(store.pool, "DROP TABLE fsi_findings")
    his = await a_book(desk_on_postgres)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "5.00")]})
    settled = await his.ask("2207", his.bill(visit, "P1", "5.00"))
    book = FindingsBook(store.pool, dropped.append)
    book.add(HOSPITAL.subject, "2207", [("gbk", "")], machine_now())
    await book.close()

    assert settled["setlinfo"]["setl_id"]
    assert [1] == dropped


def test_the_command_tells_the_same(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It reads beside the service; its status is 1 if something is misread or nothing was seen."""

    async def keep(kind: str) -> None:
        async with make_pool(dsn, READER_SETTINGS, 1) as pool:
            book = FindingsBook(pool, lambda _: None)
            book.add("H1", "2207", [("message", ""), (kind, "data.x")], machine_now())
            await book.close()

    monkeypatch.setenv("GONGJI_DATABASE_URL", dsn)
    asked = ["--institution", "H1"]
    statuses = [command.main(asked)]
    for kind in ("near_amount", "rounded"):
        asyncio.run(keep(kind))
        statuses.append(command.main(asked))
    assert "2207 data.x ×1" in capsys.readouterr().out
    command.main([*asked, "--json"])

    assert [1, 0, 1] == statuses
    assert "misread" == json.loads(capsys.readouterr().out)["verdict"]


def test_every_kind_has_a_sentence() -> None:
    """Every kind that the code notes is in the list, in an area, with a verdict; nothing else."""
    areas = read_toml("findings.toml")["areas"]
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (*FOLDER.glob("*.py"), *(FOLDER / "wire").glob("*.py"))
    )
    own = set(kinds()) - REFUSALS - UNSIGNED

    assert REFUSALS | UNSIGNED <= set(kinds())
    assert not [kind for kind in own if f'"{kind}"' not in code]
    assert {kind.area for kind in kinds().values()} == set(areas)
    assert {kind.verdict for kind in kinds().values()} == set(VERDICTS)
