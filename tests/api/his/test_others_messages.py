"""2601 for a message of another institution: refused, and nothing is buried."""

import json
from typing import Any

import pytest

from tests.api.clients import Desk
from tests.api.his.desks import a_hospital, a_pharmacy


def undoing(msgid: str) -> dict[str, Any]:
    return {"data": {"psn_no": "P1", "omsgid": msgid, "oinfno": "2102"}}


@pytest.mark.parametrize("state", ["not come", "settled"])
async def test_another_s_message_is_not_undone(desk: Desk, state: str) -> None:
    """No success that means nothing: the sender would book a reversal that never was."""
    his, shop = await a_hospital(desk), await a_pharmacy(desk)
    msgid, sent = shop.msgid(), shop.purchase("P1", "128.50", "INV1")
    if state == "settled":
        await shop.ask("2102", sent, msgid)
    stands = desk.stands()
    for number in (msgid, f"{shop.code}-1"):
        refused = await his.send("2601", undoing(number))
        assert -1 == refused["infcode"]
        assert "NOT_FOUND" == json.loads(refused["exp_content"])["code"]
    assert stands == desk.stands()
    assert await shop.ask("2102", sent, msgid)


@pytest.mark.parametrize(
    "msgid",
    ["019C2F4BE1A07D3B9A2F60C1D2E3F4", "20260302101500123456789012", "H99000000001-7", "m1"],
)
async def test_one_s_own_message_is_buried_however_it_is_numbered(desk: Desk, msgid: str) -> None:
    """A random number, a time first, a count of one's own: the late message is refused."""
    shop = await a_pharmacy(desk)
    if msgid.startswith("H"):
        msgid = msgid.replace("H99000000001", shop.code)
    assert None is await shop.ask("2601", undoing(msgid))
    late = await shop.send("2102", shop.purchase("P1", "128.50", "INV1"), msgid)

    assert "REVERSED_BEFORE_ARRIVAL" == json.loads(late["exp_content"])["code"]


async def test_a_repeat_warns_of_what_happened_since(desk: Desk) -> None:
    """2102 again: the same output, and beside it that the bill was reversed (D26)."""
    shop = await a_pharmacy(desk)
    msgid, sent = shop.msgid(), shop.purchase("P1", "128.50", "INV1")
    first = await shop.send("2102", sent, msgid)
    same = await shop.send("2102", sent, msgid)
    await shop.ask("2601", undoing(msgid))
    again = await shop.send("2102", sent, msgid)

    assert (None, None) == (first["warn_msg"], same["warn_msg"])
    assert "[reversed]" in again["warn_msg"]
    assert (0, first["output"]) == (again["infcode"], again["output"])
