"""What hospitals' systems send and read, seen from their side (his-field-facts.md)."""

import json

import pytest

from api.http.values.numbers import near_fen_of
from tests.api.account.test_erasures import ORDER, end
from tests.api.clients import AGENCY, CANARY_ID, HOSPITAL, Desk, a_claim
from tests.api.his.client import ENTRANCE, His, RefusedError
from tests.api.his.day import Books
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.judge import bills, members, misread_money
from tests.api.his.test_edges import a_charged_visit


async def a_stay(his: His, person: str = "P1", number: str = "IP1", **more: str) -> str:
    """2401: the number of a stay."""
    admission = his.registration(person, number)["data"] | {"ipt_no": number, "med_type": "21"}
    told = await his.ask("2401", {"mdtrtinfo": admission | more, "diseinfo": []})
    return str(told["result"]["mdtrt_id"])


async def raw_answer(his: His, infno: str, sent: object) -> str:
    asked = json.dumps(his.envelope(infno, sent, his.msgid()), ensure_ascii=False).encode()
    return (await his.wire(ENTRANCE, {}, asked)).decode()


async def test_a_client_computes_the_cash_from_every_answer(desk: Desk) -> None:
    """Of an institution that said nothing of its dialect, psn_part_amt less acct_pay is the cash.

    Some multiply and subtract amounts of a cancellation just so.
    """
    his, shop = await a_hospital(desk), await a_pharmacy(desk)
    visit = await a_charged_visit(his, "2000.00")
    told = [await his.ask("2206", his.bill(visit, "P1", "2000.00"))]
    told.append(await his.ask("2207", his.bill(visit, "P1", "2000.00")))
    name = {n: told[1]["setlinfo"][n] for n in ("psn_no", "mdtrt_id", "setl_id")}
    told.append(await his.ask("5203", {"data": name}))
    told.append(await his.ask("2208", {"data": name}))
    told.append(await shop.ask("2101", shop.purchase("P1", "535.50", "INV1")))
    told.append(await shop.ask("2102", shop.purchase("P1", "535.50", "INV1")))
    found = [bill for output in told for bill in bills(output)]

    assert len(told) == len(found)
    assert {"psn_cash_pay", "acct_mulaid_pay"} <= {n for b in found for n, v in b.items() if v}
    assert [] == [wrong for bill in found for wrong in misread_money(bill)]


async def test_nothing_is_null_unless_the_institution_wants_it(desk: Desk) -> None:
    """Missing numbers are 0 and missing texts empty; with `nulls` they are null."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    told = await raw_answer(his, "2206", his.bill(visit, "P1", "128.50"))
    output = json.loads(told)["output"]
    assert not [name for name, value in members(output) if value is None]
    assert '"setl_id":""' in told
    assert '"brdy":""' in told

    his = await a_hospital(desk, nulls=True)
    asked = await raw_answer(his, "2206", his.bill(visit, "P1", "128.50"))
    assert '"setl_id":null' in asked
    his = await a_hospital(desk, nulls=False, numbers=False)
    asked = await raw_answer(his, "2204", {"feedetail": [his.fee(visit, "P1", "2", "1.00")]})
    assert '"exp_content":""' in asked


async def test_an_age_has_one_decimal(desk: Desk) -> None:
    """In every bill, as in 1101: some systems call its `toString` without a look."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his, person="R1")
    who = await his.ask("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CANARY_ID}})
    told = await raw_answer(his, "2207", his.bill(visit, "R1", "128.50"))

    assert who["baseinfo"]["age"] > 0
    assert f'"age":{who["baseinfo"]["age"]:.1f},' in told


FLAGS = {
    "national": {"0": (0.0, 0.0), "1": (20.0, 44.25), "2": (20.0, 44.25), "": (20.0, 44.25)},
    "hunan": {"0": (0.0, 0.0), "1": (20.0, 0.0), "01": (20.0, 0.0), "2": (20.0, 44.25)},
}
"""What the own account and the family pay of a bill, by what an institution sends."""


async def test_whose_money_a_flag_means(desk: Desk) -> None:
    """In Hunan 1 is the own account alone and 2 the family's aid too."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    for dialect, flags in FLAGS.items():
        his = await a_hospital(desk, acct_used_flag=dialect)
        for flag, (own, aid) in flags.items():
            sent = his.bill(visit, "P1", "128.50", acct_used_flag=flag)
            info = (await his.ask("2206", sent))["setlinfo"]
            assert (own + aid, aid) == (info["acct_pay"], info["acct_mulaid_pay"]), (dialect, flag)
            assert 64.25 - own - aid == info["psn_cash_pay"]
    paid = await his.ask("2207", his.bill(visit, "P1", "128.50", acct_used_flag="1"))

    assert (20.0, 0.0) == (paid["setlinfo"]["acct_pay"], paid["setlinfo"]["acct_mulaid_pay"])
    assert ["0.00", "500.00"] == [await desk.balance(number) for number in ("P1", "S1")]


async def test_a_stay_needs_no_credential(desk: Desk) -> None:
    """2401, 2303 and 2304: the table requires its kind and not its number."""
    his = await a_hospital(desk)
    visit = await a_stay(his, mdtrt_cert_no="")
    await his.ask("2301", {"feedetail": [his.fee(visit, "P1", "1", "1500.00")]})
    sent = his.bill(visit, "P1", "1500.00")
    del sent["data"]["mdtrt_cert_no"]
    tried, paid = [(await his.ask(i, sent))["setlinfo"] for i in ("2303", "2304")]

    assert tried["psn_cash_pay"] == paid["psn_cash_pay"]


async def test_5303_without_a_person_lists_everybody(desk_on_postgres: Desk) -> None:
    """As in the example of the specification; who went home is not there."""
    his, shop = await a_hospital(desk_on_postgres), await a_pharmacy(desk_on_postgres)
    stays = [await a_stay(his, person, f"IP-{person}") for person in ("P1", "R1", "S1")]
    await his.ask("2402", {"dscginfo": {"psn_no": "S1", "mdtrt_id": stays[2]}})
    await his.register("P1")
    span = {"begntime": "2026-03-01 00:00:00", "endtime": "2026-03-03 00:00:00"}
    rows = (await his.ask("5303", {"data": {"psn_no": ""} | span}))["data"]
    of_one = (await his.ask("5303", {"data": {"psn_no": "R1"}}))["data"]
    none = await his.ask("5303", {"data": {"psn_no": "", "begntime": "2026-03-03"}})

    assert {("P1", stays[0]), ("R1", stays[1])} == {(r["psn_no"], r["mdtrt_id"]) for r in rows}
    assert [row for row in rows if row["psn_no"] == "R1"] == of_one
    assert ("390", "2026-03-02", "21", CANARY_ID) == tuple(
        of_one[0][name] for name in ("insutype", "begndate", "med_type", "certno")
    )
    assert {"data": []} == none == await shop.ask("5303", {"data": {"psn_no": ""}})

    await end(desk_on_postgres, "R1")
    erasure = await desk_on_postgres.post(AGENCY, "/v1/accounts/R1/erasure", ORDER)
    assert 201 == erasure.status_code, erasure.text
    rows = (await his.ask("5303", {"data": {"psn_no": ""} | span}))["data"]
    assert {("P1", stays[0]), ("", stays[1])} == {(r["psn_no"], r["mdtrt_id"]) for r in rows}


async def test_5201_finds_a_visit_by_the_kind_that_it_shows(desk_on_postgres: Desk) -> None:
    """The table requires the kind of care of 5201, and has none in 2201."""
    his = await a_hospital(desk_on_postgres)
    visit, stay = await his.register("P1"), await a_stay(his)
    for kind, number in (("11", visit), ("21", stay)):
        rows = (await his.ask("5201", {"data": {"psn_no": "P1", "med_type": kind}}))["mdtrtinfo"]
        assert [(number, kind)] == [(row["mdtrt_id"], row["med_type"]) for row in rows]


async def test_numbers_of_an_earlier_release_are_read(desk_on_postgres: Desk) -> None:
    """It handed them out in capitals, and hospitals keep them."""
    his = await a_hospital(desk_on_postgres)
    visit = await a_charged_visit(his)
    info = (await his.ask("2207", his.bill(visit.upper(), "P1", "128.50")))["setlinfo"]
    old = {"psn_no": "P1"} | {n: info[n].upper() for n in ("mdtrt_id", "setl_id")}
    books = Books(his)
    books.book(info | old)
    assert ["0"] == [row[4] for row in await books.compare()]
    sums = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
    month = {"clr_type": "11", "clr_way": "01", "setlym": "202603"}
    month |= {"medfee_sumamt": info[sums[0]], "fund_appy_sum": info[sums[1]]}
    applied = await his.ask("3203", {"data": month})
    number = applied["result"]["clr_appy_evt_id"].upper()
    assert None is await his.ask("3204", {"data": {"clr_appy_evt_id": number}})
    for named in (visit, visit.upper()):
        query = f"/v1/settlements?visit={named}&charge_batch=1"
        assert 1 == len((await desk_on_postgres.get(HOSPITAL, query)).json()["items"])
    listed = await his.ask("5201", {"data": {"psn_no": "P1", "mdtrt_id": visit.upper()}})
    assert [visit] == [row["mdtrt_id"] for row in listed["mdtrtinfo"]]
    assert info["setl_id"] == (await his.ask("5204", {"data": old}))[0]["setl_id"]
    assert visit == (await his.ask("2208", {"data": old}))["setlinfo"]["mdtrt_id"]


async def test_a_bill_is_one_bill_at_both_doors(desk: Desk) -> None:
    """A visit's number is the same in small letters, in capitals, and over the other API."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    await his.ask("2207", his.bill(visit, "P1", "128.50"))
    for named in (visit, visit.upper()):
        again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=named))
        assert (409, "DUPLICATE_CLAIM") == (again.status_code, again.json()["code"])
    with pytest.raises(RefusedError) as refused:
        await his.ask("2207", his.bill(visit.upper(), "P1", "128.50"))

    assert "DUPLICATE_CLAIM" == refused.value.code


async def test_a_sum_of_doubles_is_its_fen(desk: Desk) -> None:
    """What is within a thousandth of a fen of one is that one."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    sums = (200.00000000000003, "199.99999999999997", "0.30000000000000004", 28.799999999999997)
    lines = [
        his.fee(visit, "P1", str(number), "1.00") | {"det_item_fee_sumamt": amount}
        for number, amount in enumerate(sums)
    ]
    rows = (await his.ask("2204", {"feedetail": lines}))["result"]

    assert [200.0, 200.0, 0.3, 28.8] == [row["det_item_fee_sumamt"] for row in rows]
    for amount in ("200.0001", "0.00001", "0.009"):
        with pytest.raises(RefusedError) as refused:
            await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "9", amount)]})
        assert "AMOUNT_FORMAT" == refused.value.code


@pytest.mark.parametrize("rest", ["5.551115123125783e-17", "-1.4210854715202004E-14", "1E-7"])
def test_what_is_left_of_doubles_is_nothing(rest: str) -> None:
    """0.1 + 0.2 - 0.3, a day's sums after a refund; a hundred-thousandth of a yuan is too much."""
    assert 0 == near_fen_of(rest)
    with pytest.raises(ValueError, match="whole"):
        near_fen_of("1E-6")


MOMENTS = {
    1772417700000: "10:15:00",
    "1772417700000": "10:15:00",
    "3/2/2026 1:00:00 AM": "01:00:00",
    "3/2/2026 12:30:00 PM": "12:30:00",
    "2026/3/2 10:15:00": "10:15:00",
    "3/2/2026": "00:00:00",
}
"""Milliseconds since 1970, twelve hours with AM and PM, and slashes: times of 2026-03-02."""


async def test_moments_and_texts_are_read_as_runtimes_write_them(desk: Desk) -> None:
    """A diagnosis comes from a form, with a tab and line ends."""
    his = await a_hospital(desk)
    for number, (moment, time) in enumerate(MOMENTS.items()):
        sent = his.registration("P1", f"OP{number}")
        sent["data"]["begntime"] = moment
        visit = (await his.ask("2201", sent))["data"]["mdtrt_id"]
        name = {"psn_no": "P1", "mdtrt_id": visit}
        await his.ask("2203", {"mdtrtinfo": name, "diseinfo": J06})
        (row,) = (await his.ask("5202", {"data": name}))["diseinfo"]
        assert f"2026-03-02 {time}" == row["diag_time"]
        assert ("急性上呼吸道感染 J06", 1, "1") == tuple(
            row[name] for name in ("diag_name", "diag_srt_no", "maindiag_flag")
        )


J06 = [{"diag_srt_no": "1", "diag_code": "J06.900", "diag_name": "\t急性上呼吸道感染\r\n\tJ06 \n"}]


async def test_a_check_digit_may_be_a_small_x(desk: Desk) -> None:
    """Of an ID number; it is the same person's."""
    his = await a_hospital(desk)
    small = CANARY_ID.lower()
    who = await his.ask("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": small}})
    visit = await a_charged_visit(his, person="R1")
    paid = await his.ask("2207", his.bill(visit, "R1", "128.50", mdtrt_cert_no=small))

    assert "x" == small[-1]
    assert "R1" == who["baseinfo"]["psn_no"] == paid["setlinfo"]["psn_no"]


async def test_a_sign_in_may_write_its_node_with_underscores(desk: Desk) -> None:
    """The number is the same all day."""
    his = await a_hospital(desk)
    told = [
        (await his.ask("9001", {node: {"opter_no": "001", "mac": "", "ip": ""}}))["signinoutb"]
        for node in ("signIn", "sign_in", "data")
    ]
    assert 1 == len({one["sign_no"] for one in told})
    out = await his.ask("9002", {"sign_out": {"sign_no": told[0]["sign_no"], "opter_no": "001"}})
    assert told[0]["sign_time"] == out["signoutoutb"]["sign_time"]


async def test_a_file_is_fetched_by_a_flat_input(desk_on_postgres: Desk) -> None:
    """9102 without the node, and with the number in capitals as an earlier release gave it."""
    his = await a_hospital(desk_on_postgres)
    named = {"filename": "stmt.zip", "fixmedins_code": HOSPITAL.subject}
    told = await his.ask("9101", {"fsUploadIn": named | {"in": [80, 75, 3, 4]}})
    for number in (told["file_qury_no"], told["file_qury_no"].upper()):
        asked = his.envelope("9102", named | {"file_qury_no": number}, his.msgid())
        raw = await his.wire("/fsi/api/fileupload/download", {}, json.dumps(asked).encode())
        assert b"PK\x03\x04" == raw


async def test_a_file_is_found_however_its_node_is_written(desk_on_postgres: Desk) -> None:
    """9101 with underscores has the same bytes; without bytes it is refused, not stored."""
    his = await a_hospital(desk_on_postgres)
    named: dict[str, object] = {"filename": "stmt.zip", "fixmedins_code": HOSPITAL.subject}
    numbers = {
        (await his.ask("9101", {node: named | {"in": [80, 75, 3, 4]}}))["file_qury_no"]
        for node in ("fsUploadIn", "fs_upload_in", "FSUPLOADIN", "data")
    }
    assert 1 == len(numbers)
    without: list[dict[str, object]] = [{}, {"in": None}, {"in": 1}, {"in": {}}, {"in": True}]
    for nothing in without:
        with pytest.raises(RefusedError) as refused:
            await his.ask("9101", {"fsUploadIn": named | nothing})
        assert "FILE_INVALID" == refused.value.code


async def test_unequal_sums_are_one(desk_on_postgres: Desk) -> None:
    """The dictionary of 3201 knows 0 and 1; either flag says if refunds are in the sums."""
    his = await a_hospital(desk_on_postgres)
    books = Books(his)
    visit = await a_charged_visit(his)
    info = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    await his.ask("2208", {"data": {n: info[n] for n in ("psn_no", "mdtrt_id", "setl_id")}})
    books.book(info)  # the cancellation is not in the books
    sent = books.totals()["data"]
    del sent["refd_setl_flag"]
    for name in ("refd_setl_flag", "fixmedins_refd_setl_flag"):
        without = (await his.ask("3201", {"data": sent | {name: "0"}}))["stmtinfo"]
        whole = (await his.ask("3201", {"data": sent | {name: "1"}}))["stmtinfo"]
        assert ("0", "平") == (without["stmt_rslt"], without["stmt_rslt_dscr"])
        assert ("1", "金额不一致") == (whole["stmt_rslt"], whole["stmt_rslt_dscr"])
