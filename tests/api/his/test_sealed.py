"""Messages in an envelope of SM4 and SM2: opened when right, refused when anything is not."""

import base64
import json
from typing import Any

import pytest

from api.his.wire.sealed import (
    answer_key,
    encrypted,
    opened_text,
    signed_text,
)
from api.his.wire.sm2 import verifier
from tests.api.clients import AGENCY, HOSPITAL, LEDGER_KEYS, NATION, Desk
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import signs
from tests.api.his.signing import SEALING, SEALS, sealed
from tests.api.his.signing import SM2_PUBLIC as PUBLIC
from tests.api.his.test_signatures import WHO


def a_message() -> dict[str, Any]:
    his = His(HOSPITAL.subject, wire=None)  # type: ignore[arg-type]
    return his.envelope("1101", WHO, his.msgid())


async def sent(desk: Desk, envelope: dict[str, Any] | str) -> dict[str, Any]:
    answer = await desk.front.post(ENTRANCE, content=json.dumps(envelope).encode())
    reply: dict[str, Any] = answer.json()
    return reply


def code_of(reply: dict[str, Any]) -> str:
    return str(json.loads(reply["exp_content"])["code"])


@pytest.fixture
async def mobile(desk: Desk) -> Desk:
    """A desk whose hospital seals its messages."""
    await signs(desk, HOSPITAL, SEALS, {})
    return desk


def opened(reply: dict[str, Any]) -> dict[str, Any]:
    """The answer in an envelope, whose signature the service's own key made."""
    text = opened_text(SEALING, reply)
    signed = base64.b64decode(reply["signData"])
    verify = verifier(answer_key(LEDGER_KEYS))
    assert verify(signed_text(reply, text, SEALING.secret).encode(), signed[:32], signed[32:])
    told: dict[str, Any] = json.loads(text)
    assert reply["infcode"] == told["infcode"]
    return told


async def test_a_sealed_message_gets_a_sealed_answer(mobile: Desk) -> None:
    """The whole message, its input beside its head, and a message that is signed sorted."""
    message = a_message()
    head = {name: value for name, value in message.items() if name not in {"input", "cainfo"}}
    text = json.dumps(message, ensure_ascii=False)
    in_order = json.dumps(dict(sorted(message.items())), ensure_ascii=False, separators=(",", ":"))
    replies = [
        await sent(mobile, sealed(text)),
        await sent(mobile, sealed(json.dumps(WHO), **head)),
        await sent(mobile, sealed(text, signed=in_order)),
    ]

    for reply in replies:
        assert "P1" == opened(reply)["output"]["baseinfo"]["psn_no"]
        assert "王某" not in json.dumps(reply, ensure_ascii=False)
    refused = await sent(mobile, sealed(json.dumps(message | {"infno": "9999"})))
    assert (-1, "INFNO_UNKNOWN") == (refused["infcode"], code_of(opened(refused)))


async def test_a_message_in_gbk_is_opened(mobile: Desk) -> None:
    """Signed as GBK or as UTF-8; the answer is for a client that reads GBK."""
    text = json.dumps(a_message(), ensure_ascii=False)
    for signed in ("gbk", "utf-8"):
        envelope = sealed(text, encoding=signed)
        reply = await sent(mobile, envelope | {"encData": encrypted(SEALING, text.encode("gbk"))})
        assert 0 == opened(reply)["infcode"], signed
    refused = sealed(text.replace('"1101"', '"9999"'), encoding="gbk")
    assert opened_text(SEALING, await sent(mobile, refused)).isascii()


async def test_an_envelope_in_a_text_is_opened(mobile: Desk) -> None:
    """A client that writes its body as JSON twice."""
    reply = await sent(mobile, json.dumps(sealed(json.dumps(a_message()))))

    assert 0 == opened(reply)["infcode"]


async def test_a_wrong_envelope_is_refused_in_the_clear(mobile: Desk) -> None:
    """Changed, of another app, unsigned, cut, in the clear, of another institution, too old."""
    right = sealed(json.dumps(a_message()))
    other = encrypted(SEALING, json.dumps(a_message() | {"infno": "2207"}).encode())
    changes: list[dict[str, Any]] = [
        *({"encData": text} for text in (other, right["encData"][:-32], "zz", "")),
        *({"signData": text} for text in ("", "zz", right["signData"][:40])),
        *({"appId": "x" * 32}, {"version": "2"}, {"timestamp": right["timestamp"] + 1}),
        *({"more": "x"}, {"version": {"x": 1}}),
    ]

    for change in changes:
        reply = await sent(mobile, right | change)
        assert "SIGNATURE_INVALID" == code_of(reply), change
    others = sealed(json.dumps(a_message() | {"fixmedins_code": "H99000000002"}))
    assert "SIGNATURE_INVALID" == code_of(opened(await sent(mobile, others)))
    assert "SIGNATURE_INVALID" == code_of(await sent(mobile, a_message()))
    assert "SIGNATURE_ALG" == code_of(await sent(mobile, right | {"signType": "RSA"}))
    for minutes in (-6, 6):
        late = await sent(mobile, sealed(json.dumps(a_message()), minutes))
        assert "CLOCK_SKEW" == code_of(late)


async def test_a_nonce_is_used_up_where_there_is_one(desk_on_postgres: Desk) -> None:
    """Without one a repetition gets the same answer: the msgid is the key."""
    desk = desk_on_postgres
    await signs(desk, HOSPITAL, SEALS, {})
    plain, once = sealed(json.dumps(a_message())), sealed(json.dumps(a_message()), nonce="n1")

    assert [0, 0] == [(await sent(desk, plain))["infcode"] for _ in range(2)]
    assert 0 == (await sent(desk, once))["infcode"]
    assert "NONCE_REPLAYED" == code_of(await sent(desk, once))


async def test_a_setting_without_its_keys_is_refused(mobile: Desk) -> None:
    """A short name, no secret, no key; the institution shows the key of the answers."""
    body = {"code": HOSPITAL.subject, "name": "x", "class": "hospital", "region": "990000"}
    path = f"/v1/institutions/{HOSPITAL.subject}"
    secrets = (PUBLIC, f":{PUBLIC}", "secret:04", "secret:")
    wrong: list[tuple[str, str | None]] = [("paasid", "short"), ("paasid", None)]
    wrong += [("secret", text) for text in secrets]
    for name, text in wrong:
        change = {**SEALS, name: text}
        answer = await mobile.send("PUT", NATION, path, body | {"signature": change})
        assert (422, "FIELD_INVALID") == (answer.status_code, answer.json()["code"]), name
    shown = (await mobile.get(AGENCY, path)).json()["signature"]

    assert ("sm4", answer_key(LEDGER_KEYS)) == (shown["style"], shown["answer_key"])
    assert SEALING.secret not in json.dumps(shown)
