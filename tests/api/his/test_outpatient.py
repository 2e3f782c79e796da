"""An out-patient's day over the national protocol: registered, charged, settled, undone."""

import json

import pytest

from tests.api.clients import Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital

ENVELOPE = {
    "infcode",
    "inf_refmsgid",
    "refmsg_time",
    "respond_time",
    "err_msg",
    "warn_msg",
    "cainfo",
    "signtype",
    "enctype",
    "exp_content",
    "output",
}


async def test_a_bill_is_settled_by_the_family(desk: Desk) -> None:
    """1101, 2201, 2204, 2206 and 2207: own account first, then the sponsor, nothing in cash."""
    his = await a_hospital(desk)
    who = await his.ask("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}})
    visit = await his.register("P1")
    charged = await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    tried = await his.ask("2206", his.bill(visit, "P1", "128.50"))
    msgid = his.msgid()
    settled = await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)

    assert ("P1", 20.0) == (who["baseinfo"]["psn_no"], who["insuinfo"][0]["balc"])
    assert 128.5 == charged["result"][0]["det_item_fee_sumamt"]
    for info in (tried["setlinfo"], settled["setlinfo"]):
        assert (128.5, 64.25) == (info["medfee_sumamt"], info["fund_pay_sumamt"])
        assert (64.25, 64.25, 44.25) == (
            info["psn_part_amt"],
            info["acct_pay"],
            info["acct_mulaid_pay"],
        )
        assert (0.0, 0.0) == (info["psn_cash_pay"], info["balc"])
    assert "" == tried["setlinfo"]["setl_id"]
    assert msgid == settled["setlinfo"]["medins_setl_id"]
    assert "455.75" == await desk.balance("S1")
    paid = json.loads(settled["setlinfo"]["exp_content"])["payers"]
    assert [{"order": 1, "amount": "44.25"}] == paid


async def test_a_patient_may_want_no_aid(desk: Desk) -> None:
    """`use_aid` false in the extension of 2206 and 2207: own account, then cash."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    sent = his.bill(visit, "P1", "128.50")
    sent["data"]["exp_content"] = json.dumps({"use_aid": False})
    tried = await his.ask("2206", sent)
    settled = await his.ask("2207", sent)

    for info in (tried["setlinfo"], settled["setlinfo"]):
        assert (20.0, 0.0, 44.25) == (
            info["acct_pay"],
            info["acct_mulaid_pay"],
            info["psn_cash_pay"],
        )
    assert "500.00" == await desk.balance("S1")


async def test_the_envelope_is_always_whole(desk: Desk) -> None:
    """Every key is there, in success and refusal, with the number 0 or -1."""
    his = await a_hospital(desk)
    good = await his.send("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}})
    bad = await his.send("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "nobody"}})

    assert ENVELOPE == set(good) == set(bad)
    assert (0, -1) == (good["infcode"], bad["infcode"])
    assert None is bad["output"]
    assert "NOT_FOUND" == json.loads(bad["exp_content"])["code"]
    assert 30 == len(good["inf_refmsgid"])
    assert 17 == len(good["refmsg_time"]) == len(good["respond_time"])


async def test_a_cancellation_turns_every_amount_round(desk: Desk) -> None:
    """2208: negative amounts, both spellings of cash, the balance as it was before."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    info = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    sent = {"data": {"setl_id": info["setl_id"], "mdtrt_id": visit, "psn_no": "P1"}}
    back = (await his.ask("2208", sent))["setlinfo"]

    assert (-128.5, -64.25) == (back["medfee_sumamt"], back["psn_part_amt"])
    assert (-64.25, -44.25) == (back["acct_pay"], back["acct_mulaid_pay"])
    assert 0.0 == back["psn_cash_pay"] == back["pdn_cash_pay"]
    assert 20.0 == back["balc"]
    assert info["setl_id"] != back["setl_id"]
    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))


async def test_a_message_is_carried_out_once(desk: Desk) -> None:
    """The same msgid and body: the stored reply; another body: refused, and never settled."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    msgid = his.msgid()
    first = await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
    again = await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
    with pytest.raises(RefusedError) as other:
        await his.ask("2207", his.bill(visit, "P1", "128.50", acct_used_flag="0"), msgid)
    with pytest.raises(RefusedError) as pressed:
        await his.ask("2207", his.bill(visit, "P1", "128.50"))

    assert first == again
    assert "IDEMPOTENCY_KEY_REUSED" == other.value.code
    assert "DUPLICATE_CLAIM" == pressed.value.code
    assert first["setlinfo"]["setl_id"] == pressed.value.extra["setl_id"]
    assert "455.75" == await desk.balance("S1")


async def test_a_reversal_is_final_whenever_it_comes(desk: Desk) -> None:
    """2601 after the bill, again, and before one; a cancelled bill is not reversed."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    msgid, early = his.msgid(), his.msgid()
    await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
    undo = {"data": {"psn_no": "P1", "omsgid": msgid, "oinfno": "2207"}}
    assert None is await his.ask("2601", undo)
    assert None is await his.ask("2601", undo)
    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))

    await his.ask("2601", {"data": undo["data"] | {"omsgid": early}})
    with pytest.raises(RefusedError) as late:
        await his.ask("2207", his.bill(visit, "P1", "128.50"), early)
    assert "REVERSED_BEFORE_ARRIVAL" == late.value.code

    info = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    settled_by = info["medins_setl_id"]
    name = {"setl_id": info["setl_id"], "mdtrt_id": visit, "psn_no": "P1"}
    await his.ask("2208", {"data": name})
    with pytest.raises(RefusedError) as cancelled:
        await his.ask("2601", {"data": undo["data"] | {"omsgid": settled_by}})
    assert "ALREADY_CANCELLED" == cancelled.value.code
