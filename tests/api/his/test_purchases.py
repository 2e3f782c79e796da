"""A purchase at a drugstore makes its own visit (2102), which every later look finds."""

import pytest

from tests.api.clients import PHARMACY, Desk, a_claim
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy

ASKED = {"data": {"psn_no": "P1", "begntime": "2026-03-02"}}


async def test_a_purchase_is_found_as_a_visit(desk_on_postgres: Desk) -> None:
    """5201 and 5203 name the same visit, 5204 has its lines, and 5202 no diagnosis."""
    his = await a_pharmacy(desk_on_postgres)
    info = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    name = {"psn_no": "P1", "mdtrt_id": info["mdtrt_id"]}
    (visit,) = (await his.ask("5201", ASKED))["mdtrtinfo"]
    (line,) = await his.ask("5204", {"data": name | {"setl_id": info["setl_id"]}})
    looked = await his.ask("5203", {"data": name | {"setl_id": info["setl_id"]}})

    assert (info["mdtrt_id"], "INV1", "41") == (
        visit["mdtrt_id"],
        visit["ipt_otp_no"],
        visit["med_type"],
    )
    assert visit["begntime"] == visit["endtime"]
    assert info["mdtrt_id"] == looked["setlinfo"]["mdtrt_id"]
    assert ("F-INV1", 35.5) == (line["feedetl_sn"], line["det_item_fee_sumamt"])
    assert {"diseinfo": []} == await his.ask("5202", {"data": name})


@pytest.mark.parametrize("way", ["2103", "2601"])
async def test_a_purchase_that_is_taken_back_was_no_visit(desk_on_postgres: Desk, way: str) -> None:
    """Cancelled or reversed, its visit goes with it; bought again it is another."""
    his = await a_pharmacy(desk_on_postgres)
    info = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    name = {name: info[name] for name in ("psn_no", "setl_id", "mdtrt_id")}
    undo = {"psn_no": "P1", "omsgid": info["medins_setl_id"], "oinfno": "2102"}
    await his.ask(way, {"data": name if way == "2103" else undo})
    assert {"mdtrtinfo": []} == await his.ask("5201", ASKED)

    again = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    (visit,) = (await his.ask("5201", ASKED))["mdtrtinfo"]
    assert info["mdtrt_id"] != again["mdtrt_id"] == visit["mdtrt_id"]


async def test_a_purchase_that_is_replaced_was_no_visit(desk_on_postgres: Desk) -> None:
    """The native door puts a corrected bill in its place; the visit goes with the wrong one."""
    desk = desk_on_postgres
    his = await a_pharmacy(desk)
    info = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    found = await desk.get(PHARMACY, f"/v1/settlements?key=fsi:2102:{info['medins_setl_id']}")
    path = f"/v1/settlements/{found.json()['settlement_id']}/replacement"
    replaced = await desk.post(PHARMACY, path, a_claim(med_type="41"))

    assert 201 == replaced.status_code, replaced.text
    assert {"mdtrtinfo": []} == await his.ask("5201", ASKED)


async def test_no_other_bill_is_made_of_a_purchase(desk: Desk) -> None:
    """Its visit is over with it: no line, no second bill, no end taken back, no withdrawal."""
    his = await a_pharmacy(desk)
    info = (await his.ask("2102", his.purchase("P1", "35.50", "INV1")))["setlinfo"]
    visit = info["mdtrt_id"]
    name = {"data": {"psn_no": "P1", "mdtrt_id": visit}}
    tried = {
        "2204": ({"feedetail": [his.fee(visit, "P1", "9", "5.00")]}, "VISIT_CLOSED"),
        "2207": (his.bill(visit, "P1", "35.50"), "VISIT_CLOSED"),
        "2202": (name, "VISIT_CLOSED"),
        "2405": (name, "VISIT_NOT_CLOSED"),
    }

    for infno, (sent, code) in tried.items():
        with pytest.raises(RefusedError) as refused:
            await his.ask(infno, sent)
        assert code == refused.value.code


async def test_a_purchase_that_is_refused_makes_no_visit(desk_on_postgres: Desk) -> None:
    """A second message for the same invoice is told of the first, and there is one visit."""
    his = await a_pharmacy(desk_on_postgres)
    await his.ask("2102", his.purchase("P1", "35.50", "INV1"))
    with pytest.raises(RefusedError) as refused:
        await his.ask("2102", his.purchase("P1", "35.50", "INV1"))

    assert "DUPLICATE_CLAIM" == refused.value.code
    assert 1 == len((await his.ask("5201", ASKED))["mdtrtinfo"])
    assert {"mdtrtinfo": []} == await (await a_hospital(desk_on_postgres)).ask("5201", ASKED)
