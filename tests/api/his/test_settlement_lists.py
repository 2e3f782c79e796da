"""Settlement lists (4101): checked against the bill, kept as a digest, passed on to a centre."""

import json
from typing import Any

import pytest

from tests.api.clients import AGENCY, Desk
from tests.api.his.centre import a_centre
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.test_forwarding import connect

NAMES = ("psn_no", "mdtrt_id", "setl_id")
SAID = {
    "ntly": "CHN",
    "prfs": "13",
    "curr_addr": "人民路一号",
    "coner_name": "张敏",
    "patn_rlts": "1",
    "coner_addr": "人民路一号",
    "coner_tel": "13800000000",
    "dscg_caty": "A03",
    "bill_code": "43060221",
    "bill_no": "0000000001",
    "biz_sn": "B1",
    "setl_begn_date": "2026-03-01",
    "setl_end_date": "2026-03-02",
    "medins_fill_dept": "医保科",
    "medins_fill_psn": "王五",
}


def a_list(settled: dict[str, Any], **more: str) -> dict[str, Any]:
    """The input of 4101 for a bill as 2207 or 2304 answered it."""
    names = {name: settled["setlinfo"][name] for name in NAMES}
    paid = [
        {"fund_pay_type": row["fund_pay_type"], "fund_payamt": row["fund_payamt"]}
        for row in settled["setldetail"]
    ]
    sick = {"diag_type": "1", "diag_code": "J18.900", "diag_name": "肺炎"}
    return {
        "setlinfo": names | SAID | more,
        "opspdiseinfo": [],
        "diseinfo": [sick | {"adm_cond_type": "1", "maindiag_flag": "1"}],
        "oprninfo": [],
        "icuinfo": [],
        "payinfo": paid,
        "bldinfo": [],
    }


async def settled(his: His) -> dict[str, Any]:
    """A settled bill as it was answered."""
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    told: dict[str, Any] = await his.ask("2207", his.bill(visit, "P1", "128.50"))
    return told


async def refusal(his: His, sent: dict[str, Any]) -> str:
    """The code of a refused list."""
    with pytest.raises(RefusedError) as refused:
        await his.ask("4101", sent)
    return refused.value.code


async def kept(desk: Desk) -> list[dict[str, Any]]:
    """What the log has of lists, oldest first."""
    lines = (await desk.get(AGENCY, "/v1/events")).text.splitlines()
    told = [json.loads(line) for line in lines]
    return [one["event"] for one in told if "settlement-list" in one["topic"]]


async def test_a_list_is_kept_as_a_digest(desk_on_postgres: Desk) -> None:
    """The same content is kept once, other content again; the number is the bill's."""
    his = await a_hospital(desk_on_postgres)
    bill = await settled(his)
    same = [await his.ask("4101", a_list(bill)) for _ in range(2)]
    other = await his.ask("4101", a_list(bill, bill_no="0000000002"))
    assert same[0] == same[1] == other
    assert 9 == len(other["data"]["setl_list_id"])

    first, second = await kept(desk_on_postgres)
    assert {"settlement", "number", "digest", "at"} == first.keys()
    assert other["data"]["setl_list_id"] == first["number"]
    assert first["digest"] != second["digest"]


async def test_a_list_of_another_bill_is_refused(desk: Desk) -> None:
    """Another's, a list with other payments, and one of a bill that was cancelled."""
    his = await a_hospital(desk)
    bill = await settled(his)
    sent = a_list(bill)
    assert "NOT_FOUND" == await refusal(await a_pharmacy(desk), sent)
    for kind in ("310100", "310200"):
        wrong = sent | {"payinfo": [{"fund_pay_type": kind, "fund_payamt": "0.01"}]}
        assert "FIELD_INVALID" == await refusal(his, wrong)
    foreign = {"payinfo": [{"fund_pay_type": "999996", "fund_payamt": "0.01"}]}
    await his.ask("4101", sent | foreign)

    await his.ask(
        "2208", {"data": {n: sent["setlinfo"][n] for n in ("psn_no", "mdtrt_id", "setl_id")}}
    )
    assert "ALREADY_CANCELLED" == await refusal(his, sent)


async def test_a_centre_answers_what_was_checked(desk: Desk) -> None:
    """Also for a bill of its own; what is wrong does not get there."""
    his = await a_hospital(desk)
    sent = a_list(await settled(his))
    wrong = sent | {"payinfo": [{"fund_pay_type": "310100", "fund_payamt": "0.01"}]}
    unknown = sent | {"setlinfo": sent["setlinfo"] | {"setl_id": "X1", "mdtrt_id": "X2"}}
    async with a_centre() as centre:
        await connect(desk, centre.url)
        assert {"infno": "4101"} == await his.ask("4101", sent)
        assert {"infno": "4101"} == await his.ask("4101", unknown)
        assert 2 == centre.came
        assert "FIELD_INVALID" == await refusal(his, wrong)
        assert 2 == centre.came
