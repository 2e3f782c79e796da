"""A cancellation whose answer was lost: never sent, on its way, or carried out."""

from typing import Any

import pytest

from tests.api.clients import Desk
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy

WAYS = ("2208", "2305", "2103")


async def a_settled(desk: Desk, way: str) -> tuple[His, dict[str, Any]]:
    """A settled bill, and what names it in its cancellation."""
    if way == "2103":
        his = await a_pharmacy(desk)
        info = (await his.ask("2102", his.purchase("P1", "128.50", "INV1")))["setlinfo"]
    else:
        his = await a_hospital(desk)
        upload, settle = ("2204", "2207") if way == "2208" else ("2301", "2304")
        visit = await his.register("P1")
        await his.ask(upload, {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
        info = (await his.ask(settle, his.bill(visit, "P1", "128.50")))["setlinfo"]
    return his, {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}


def undoing(way: str, msgid: str) -> dict[str, Any]:
    return {"data": {"psn_no": "P1", "omsgid": msgid, "oinfno": way}}


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancellation_that_never_came_never_will(desk: Desk, way: str) -> None:
    """2601 first: the bill stays, and the late cancellation is refused, and refused again."""
    his, name = await a_settled(desk, way)
    msgid, before = his.msgid(), await desk.balance("S1")
    assert None is await his.ask("2601", undoing(way, msgid))
    for _ in range(2):
        with pytest.raises(RefusedError) as late:
            await his.ask(way, {"data": name}, msgid)
        assert "REVERSED_BEFORE_ARRIVAL" == late.value.code

    assert before == await desk.balance("S1")
    assert "0" == (await his.ask("5203", {"data": name}))["setlinfo"]["refd_setl_flag"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancellation_that_was_carried_out_stays(desk: Desk, way: str) -> None:
    """2601 after it is refused however often, moves nothing, and names the bill that is gone."""
    his, name = await a_settled(desk, way)
    msgid = his.msgid()
    await his.ask(way, {"data": name}, msgid)
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            await his.ask("2601", undoing(way, msgid))
        assert "REVERSAL_NOT_POSSIBLE" == refused.value.code
        assert name["setl_id"] == refused.value.extra["setl_id"]
        assert "全额撤销后结算即终结" in refused.value.reply["err_msg"]

    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
    told = (await his.ask("GJ01", {"data": {"omsgid": msgid, "oinfno": way}}))["data"]
    assert ("applied", name["setl_id"]) == (told["state"], told["setl_id"])


async def test_a_bill_whose_cancellation_stays_is_settled_anew(desk: Desk) -> None:
    """全撤重结: the same visit and batch, a new message, a new number; charged once."""
    his, name = await a_settled(desk, "2208")
    await his.ask("2208", {"data": name})
    again = (await his.ask("2207", his.bill(name["mdtrt_id"], "P1", "128.50")))["setlinfo"]

    assert name["setl_id"] != again["setl_id"]
    assert "455.75" == await desk.balance("S1")
