"""A conversation of every transaction, recorded for the readers of `/docs/fsi`, and held to be so.

What was said is judged by a province's published tables, and read as hospitals' systems read it.
`./gongji test tests/api/his/test_conversations.py --record` writes the record anew.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from api.his.transactions.registry import FILES, HANDLERS
from service.replay.run import replay
from tests.api.clients import AGENCY, ELSEWHERE, Desk, an_account
from tests.api.credential_link.guardians import a_code, a_link
from tests.api.his.by_the_book import ByTheBook
from tests.api.his.client import His
from tests.api.his.day import Books
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.judge import DECLARED, complaints, empties, misreadings, request_complaints
from tests.api.his.test_chronic_filings import DISEASE, reviews
from tests.api.his.test_settlement_lists import a_list

HIS = Path(__file__).parents[3] / "api" / "his"
GROUPS: dict[int, Iterable[int]] = {
    11: (1, 62),
    12: (1,),
    20: (1,),
    21: (1, 2, 3),
    22: range(1, 9),
    23: range(1, 6),
    24: range(1, 6),
    25: (3, 4),
    26: (1,),
    32: (1, 2, 3, 4, 60),
    41: (1,),
    52: range(1, 7),
    53: (1, 3),
    90: (1, 2),
    91: (1, 2),
}
PROMISED = {f"{group}{one:02}" for group, ones in GROUPS.items() for one in ones} | {"GJ01"}
"""Every transaction that a hospital's client is promised to find; GJ01 is our own."""
RECORD = HIS / "conversations.json"
TABLES: dict[str, Any] = tomllib.loads((HIS / "fields.toml").read_text(encoding="utf-8"))
TIMES = {
    "inf_refmsgid": "990000202603021015000000000042",
    "refmsg_time": "20260302101500000",
    "respond_time": "20260302101500020",
}


async def a_counter(desk: Desk, his: His, code: str) -> None:
    """Signing in, and who stands there: by his card, and by a code his guardian shows."""
    signed = await his.ask("9001", {"signIn": {"opter_no": "001", "mac": "", "ip": "10.0.0.1"}})
    await his.ask("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}})
    await his.ask("1162", {"data": {"businessType": "01101", "ecQrCode": code}})
    await his.ask("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": his.code}})
    await his.ask("2001", {"data": {"psn_no": "P1", "insutype": "310", "med_type": "11"}})
    await his.ask("2503", {"data": DISEASE})
    (review,) = await reviews(desk)
    await desk.post(AGENCY, review, {"granted": True})
    await his.ask("5301", {"data": {"psn_no": "P1"}})
    await desk.post(AGENCY, review, {"granted": False})
    filed = await his.ask("2503", {"data": DISEASE})
    await his.ask("2504", {"data": filed["result"] | {"psn_no": "P1", "memo": "误报"}})
    visit = await his.register("P1")
    name = {"psn_no": "P1", "mdtrt_id": visit}
    await his.ask("2203", {"mdtrtinfo": name | {"med_type": "14"}, "diseinfo": []})
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "9.90")]})
    await his.ask("5205", {"data": {"psn_no": "P1", "begntime": "2026-03-01 00:00:00"}})
    number = signed["signinoutb"]["sign_no"]
    await his.ask("9002", {"signOut": {"sign_no": number, "opter_no": "001"}})


async def an_outpatient(his: His) -> None:
    """A visit from its beginning to its bill, looked at from every side."""
    visit = await his.register("P1")
    name = {"psn_no": "P1", "mdtrt_id": visit}
    await his.ask(
        "2203A",
        {
            "mdtrtinfo": name | {"med_type": "11", "begntime": his.now},
            "diseinfo": [
                {"diag_srt_no": "1", "diag_code": "J06.900", "diag_name": "急性上呼吸道感染"}
            ],
        },
    )
    lines = [
        his.fee(visit, "P1", "1", "128.50"),
        his.fee(visit, "P1", "2", "9.90", chrg_bchno="2"),
    ]
    await his.ask("2204", {"feedetail": lines})
    await his.ask("2205", {"data": name | {"chrg_bchno": "2"}})
    await his.ask("2206A", his.bill(visit, "P1", "128.50"))
    msgid = his.msgid()
    settled = await his.ask("2207A", his.bill(visit, "P1", "128.50"), msgid)
    bill = name | {"setl_id": settled["setlinfo"]["setl_id"]}
    await his.ask("GJ01", {"data": {"omsgid": msgid, "oinfno": "2207"}})
    await his.ask("5201", {"data": {"psn_no": "P1", "begntime": "2026-03-02"}})
    await his.ask("5202", {"data": name})
    await his.ask("5203", {"data": bill})
    await his.ask("5204", {"data": bill})
    await his.ask("5206", {"data": {"psn_no": "P1", "cum_ym": "202603"}})
    await its_end(his, visit, bill)


async def its_end(his: His, visit: str, bill: dict[str, Any]) -> None:
    """The bill cancelled, made again and reversed; another visit withdrawn."""
    await his.ask("2208", {"data": bill})
    again, other = his.msgid(), await his.register("P1", "OP2")
    await his.ask("2207", his.bill(visit, "P1", "128.50"), again)
    await his.ask("2601", {"data": {"psn_no": "P1", "omsgid": again, "oinfno": "2207"}})
    await his.ask("2202", {"data": {"psn_no": "P1", "mdtrt_id": other, "ipt_otp_no": "OP2"}})


async def an_inpatient(his: His) -> None:
    """A stay: admitted, charged, settled, sent home, and all of it taken back."""
    admission = his.registration("P1", "IP1")["data"] | {"ipt_no": "IP1", "med_type": "21"}
    admitted = await his.ask("2401", {"mdtrtinfo": admission, "diseinfo": []})
    visit = admitted["result"]["mdtrt_id"]
    name = {"psn_no": "P1", "mdtrt_id": visit}
    await his.ask("2403", {"adminfo": name | {"med_type": "21", "dise_codg": "J18.900"}})
    lines = [his.fee(visit, "P1", "1", "1500.00"), his.fee(visit, "P1", "2", "5.00")]
    await his.ask("2301", {"feedetail": lines})
    await his.ask("2302", {"data": [name | {"feedetl_sn": "2"}]})
    await his.ask("5303", {"data": {"psn_no": "P1"}})
    await his.ask("2303", his.bill(visit, "P1", "1500.00", mid_setl_flag="0"))
    settled = await his.ask("2304", his.bill(visit, "P1", "1500.00", mid_setl_flag="0"))
    await his.ask("2402", {"dscginfo": name | {"endtime": his.now}})
    await his.ask("4101", a_list(settled))
    bill = {"data": name | {"setl_id": settled["setlinfo"]["setl_id"]}}
    await his.ask("2305", bill)
    await his.ask("2405", {"data": name})
    await his.ask("2404", {"data": name})


async def a_buyer(his: His) -> None:
    """A purchase: tried, settled, taken back."""
    await his.ask("2101", his.purchase("P1", "35.50", "INV1"))
    settled = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    name = {"psn_no": "P1", "setl_id": settled["setl_id"], "mdtrt_id": settled["mdtrt_id"]}
    await his.ask("2103", {"data": name})


async def the_books(his: His) -> None:
    """The day's books: totals, rows, their files, and the month's clearing."""
    books = Books(his)
    assert await books.is_equal()
    await books.compare()
    month = {"clr_type": "99", "clr_way": "01", "setlym": "202603"} | dict.fromkeys(
        ("medfee_sumamt", "fund_appy_sum", "acct_pay"), "0.00"
    )
    applied = await his.ask("3203", {"data": month})
    await his.ask("3204", {"data": applied["result"]})
    visit = await his.register("G1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "G1", "1", "60.00")]})
    await his.ask("2207", his.bill(visit, "G1", "60.00"))
    await his.ask("3260", {"data": {"trt_year": "2026", "trt_month": "03", "startrow": "1"}})


async def test_every_transaction_speaks_as_recorded(
    desk_on_postgres: Desk, dsn: str, pytestconfig: pytest.Config
) -> None:
    """Every transaction once: as the record says, by its table, and decided again the same."""
    hospital = by_the_book(await a_hospital(desk_on_postgres))
    pharmacy = by_the_book(await a_pharmacy(desk_on_postgres))
    await an_account(desk_on_postgres, "G1", region=ELSEWHERE)
    code = await a_code(desk_on_postgres, await a_link(desk_on_postgres))
    await a_counter(desk_on_postgres, hospital, code)
    await an_outpatient(hospital)
    await an_inpatient(hospital)
    await a_buyer(pharmacy)
    await the_books(hospital)
    told = [*hospital.told, *pharmacy.told]
    spoken = {infno(asked): (asked, reply) for asked, reply in reversed(told)}

    assert PROMISED == set(spoken)
    asked_so = [
        one for asked, _ in told for one in request_complaints(infno(asked), asked["input"])
    ]
    assert "" == "\n".join(asked_so)
    answers = [(infno(asked), reply) for asked, reply in told if infno(asked) not in FILES]
    assert "" == "\n".join(w for number, reply in answers for w in judged(number, reply))
    found = {one for number, reply in answers for one in empties(number, reply["output"] or {})}
    assert found == {one for one in DECLARED if one.what == "empty"}
    record = [plain(*pair, code) for _, pair in sorted(spoken.items())]
    if pytestconfig.getoption("--record"):
        text = json.dumps(record, ensure_ascii=False, indent=1)
        RECORD.write_text(text + "\n", encoding="utf-8")
    assert json.loads(RECORD.read_text(encoding="utf-8")) == record
    assert [] == (await replay(dsn, desk_on_postgres.context.vault)).found.kept


def test_every_transaction_has_a_table_a_handler_and_a_record() -> None:
    """What is promised is routed, described, and recorded for the readers; nothing else is."""
    recorded = {infno(one["asked"]) for one in json.loads(RECORD.read_text(encoding="utf-8"))}

    assert PROMISED == set(HANDLERS) | set(FILES)
    assert PROMISED == set(TABLES["transactions"])
    assert PROMISED == recorded


def by_the_book(his: His) -> ByTheBook:
    """A system that sends what the tables require."""
    return ByTheBook(his.code, his.wire, certs=his.certs)


def infno(asked: dict[str, Any]) -> str:
    return str(asked["infno"]).removesuffix("A")


def plain(asked: dict[str, Any], reply: dict[str, Any], code: str) -> dict[str, Any]:
    """A conversation without what is another each time: ids, digests and the machine's time."""
    answered = reply if infno(asked) in FILES else reply | TIMES
    text = json.dumps({"asked": asked, "answered": answered}, ensure_ascii=False)
    text = text.replace('\\"', "\u0001").replace(code, "{出示的码}")
    names: dict[str, str] = {}

    def name(found: "re.Match[str]") -> str:
        return names.setdefault(found[0], f"{{编号{len(names) + 1}}}")

    text = re.sub(r"(?<=plan_hash\u0001:\u0001)[\w-]+", "{方案}", text)
    text = re.sub(r"\b(?=[a-z]*[0-9])(?=[0-9]*[a-z])[0-9a-z]{25}(?:[0-9a-z]{5})?\b", name, text)
    text = re.sub(r'(?<="setl_list_id": ")[0-9a-f]{9}', "{清单号}", text)
    text = re.sub(r'"dld_endtime": "[^"]+"', '"dld_endtime": "2026-04-01 10:15:00"', text)
    told: dict[str, Any] = json.loads(text.replace("\u0001", '\\"'))
    sent = told["asked"]["input"].get("fsUploadIn")
    if sent is not None:
        sent["in"] = sent["in"][:8]
    return told


def judged(number: str, reply: dict[str, Any]) -> list[str]:
    """What the published tables do not allow in an answer, and what a system would misread."""
    return [*complaints(number, reply["output"]), *misreadings(reply)]
