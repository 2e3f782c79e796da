"""What clients really send is understood, and what they get is exact to the byte."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.clients import Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital

PATHS = (
    "/fsi/api/rsfComIfsService/callService",
    "/fsi/api/rsfComIfsService/callService/1101",
    "/fsi/api/fsiPsnInfoService/queryPsnInfo",
    "/fsi/api/outpatientSettleService/saveSettletment",
    "/mss/web/api/fsi/callService",
    "/mbs/fmi/fsi/api/callFsiService/callService",
    "/ebus/gdyb_inf/poc/hsa/hgs/1101",
    "/uif-hsaf-med-api/api/medical/service",
    "/CSB",
    "/power-csb/hsa-fsi-1101",
)
WHO: dict[str, Any] = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}}


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_leads_in(desk: Desk, path: str) -> None:
    """Styles A to D: the path is a hint, the number in the body decides."""
    reply = await (await a_hospital(desk)).send("1101", WHO, path=path)

    assert "P1" == reply["output"]["baseinfo"]["psn_no"]


def utf8(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


WAYS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "utf-8": utf8,
    "a mark at the beginning": lambda message: b"\xef\xbb\xbf" + utf8(message),
    "gbk": lambda message: json.dumps(message, ensure_ascii=False).encode("gbk"),
    "a text of JSON": lambda message: json.dumps(json.dumps(message)).encode(),
    "input as a text": lambda message: utf8(message | {"input": json.dumps(message["input"])}),
    "input flat": lambda message: utf8(message | {"input": message["input"]["data"]}),
    "another node": lambda message: utf8(
        message | {"input": {"mdtrtinfo": message["input"]["data"]}}
    ),
    "unknown members": lambda message: utf8(message | {"enc_type": "", "serv_code": None}),
    "nulls as words": lambda message: utf8(
        message | {"input": {"data": WHO["data"] | {"card_sn": "null", "begntime": None}}}
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("kind", ["application/json;charset=utf-8", "text/plain", ""])
async def test_every_way_to_write_a_body_is_read(
    desk: Desk, way: Callable[[dict[str, Any]], bytes], kind: str
) -> None:
    """UTF-8 or GBK, once or twice encoded, whatever the content type says."""
    his = await a_hospital(desk)
    raw = way(his.envelope("1101", WHO, his.msgid()))
    reply = json.loads(await his.wire(PATHS[0], {"content-type": kind} if kind else {}, raw))

    assert 0 == reply["infcode"], reply
    assert "王某" == reply["output"]["baseinfo"]["psn_name"]


@pytest.mark.parametrize("raw", [b"", b"[", b"null", b"\xff\xff", b"[1]", b'"x"', b"[" * 9000])
async def test_what_is_no_message_is_refused_in_an_envelope(desk: Desk, raw: bytes) -> None:
    """Even then: HTTP 200, every key, a Chinese sentence and a code."""
    reply = json.loads(await (await a_hospital(desk)).wire(PATHS[0], {}, raw))

    assert -1 == reply["infcode"]
    assert not reply["err_msg"].isascii()
    assert json.loads(reply["exp_content"])["code"].startswith("JSON_")


@pytest.mark.parametrize("amount", ["128.50", 128.5, " 128.50 ", "1.285E2", "128.5000"], ids=repr)
async def test_amounts_are_read_as_they_are_sent(desk: Desk, amount: object) -> None:
    """Numbers or strings, with or without zeros at the end: the same fen."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    line = his.fee(visit, "P1", "1", "1") | {"det_item_fee_sumamt": amount}
    reply = await his.ask("2204", {"feedetail": [line]})

    assert 128.5 == reply["result"][0]["det_item_fee_sumamt"]


@pytest.mark.parametrize("amount", ["1.005", "NaN", "Infinity", "1,000.00", "١", "x", "9" * 30])
async def test_what_is_no_amount_is_refused(desk: Desk, amount: str) -> None:
    """Nothing is rounded and nothing is guessed."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    with pytest.raises(RefusedError) as refused:
        await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", amount)]})

    assert refused.value.code in ("AMOUNT_FORMAT", "FIELD_INVALID")


@pytest.mark.parametrize(
    ("infno", "sent", "code"),
    [
        ("1101", {}, "FIELD_REQUIRED"),
        ("1101", "", "FIELD_REQUIRED"),
        ("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "9" * 51}}, "FIELD_INVALID"),
        ("9999", WHO, "INFNO_UNKNOWN"),
        ("2207", {"data": {"psn_no": "P1"}}, "FIELD_REQUIRED"),
        ("2204", {"feedetail": []}, "FIELD_REQUIRED"),
        ("5201", {"data": {"psn_no": "P1", "begntime": "yesterday"}}, "DATE_INVALID"),
        ("2202", {"data": {"psn_no": "P1", "mdtrt_id": "no such visit"}}, "NOT_FOUND"),
    ],
)
async def test_a_bad_input_says_what_is_wrong(
    desk: Desk, infno: str, sent: object, code: str
) -> None:
    """A stable code, at most 200 characters for people, and the field where there is one."""
    reply = await (await a_hospital(desk)).send(infno, sent)

    assert code == json.loads(reply["exp_content"])["code"]
    assert len(reply["err_msg"]) <= 200
    assert "not_applied" == json.loads(reply["exp_content"])["outcome"]


async def test_amounts_have_two_decimals_on_the_wire(desk: Desk) -> None:
    """20 yuan is 20.00, as a number or, where the institution reads strings, as a string."""
    for dialect, written in (({}, b'"balc":20.00'), ({"numbers": False}, b'"balc":"20.00"')):
        his = await a_hospital(desk, **dialect)
        raw = json.dumps(his.envelope("1101", WHO, his.msgid())).encode()
        assert written in await his.wire(PATHS[0], {}, raw)


async def test_an_answer_to_gbk_reads_alike_in_every_encoding(desk: Desk) -> None:
    """Whoever writes GBK may read GBK: the answer is pure ASCII."""
    his = await a_hospital(desk)
    raw = json.dumps(his.envelope("1101", WHO, his.msgid()), ensure_ascii=False).encode("gbk")
    answer = await his.wire(PATHS[0], {}, raw)

    assert answer.isascii()
    assert "王某" == json.loads(answer)["output"]["baseinfo"]["psn_name"]


async def test_others_paths_are_left_alone(desk: Desk) -> None:
    """A look under the prefixes, and a POST without an `infno` beside them."""
    assert 405 == (await desk.front.get(PATHS[0])).status_code
    assert 404 == (await desk.front.post("/fsi", content=b"{}")).status_code
