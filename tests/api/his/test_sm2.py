"""SM2 in the envelope as Hubei's clients make it: taken when right, and refused otherwise."""

import json
from datetime import timedelta
from typing import Any

import pytest

from aggregates.vocabulary import BEIJING
from api.his.wire.sm2 import verifier
from api.http.problems import ProblemError
from service.clock import machine_now
from tests.api.clients import HOSPITAL, NATION, Desk, is_refused
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import signs
from tests.api.his.signing import SM2_PUBLIC as PUBLIC
from tests.api.his.signing import sm2_signed as a_signed
from tests.api.his.test_signatures import WHO, told

SIGNED = (
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
"""The same example's signature of "message digest"."""


def an_envelope(minutes: int = 0, **changes: object) -> dict[str, Any]:
    """A 1101 of the hospital's, made so many minutes from now."""
    now = machine_now().astimezone(BEIJING) + timedelta(minutes=minutes)
    his = His(HOSPITAL.subject, wire=None, now=f"{now:%Y-%m-%d %H:%M:%S}")  # type: ignore[arg-type]
    return his.envelope("1101", WHO, his.msgid()) | {"signtype": "SM2"} | changes


@pytest.fixture
async def hubei(desk: Desk) -> Desk:
    """A desk whose hospital signs with SM2."""
    await signs(desk, HOSPITAL, {"style": "sm2", "secret": PUBLIC}, {})
    return desk


def test_the_standard_s_own_example_is_verified() -> None:
    """The signature is its message's and no other's, by the key with and without its first byte."""
    r, s = bytes.fromhex(SIGNED[:64]), bytes.fromhex(SIGNED[64:])
    for key in (PUBLIC, PUBLIC[2:].upper()):
        assert verifier(key)(b"message digest", r, s)
    assert not verifier(PUBLIC)(b"another digest", r, s)


async def test_a_right_signature_is_taken(hubei: Desk) -> None:
    """Over the sorted members, null as an empty text; the input is not signed."""
    assert "ok" == await told(hubei, a_signed(an_envelope()), {})
    assert "ok" == await told(hubei, a_signed(an_envelope(dev_no=None, more="x")), {})


async def test_a_client_in_gbk_signs_the_bytes_that_it_sends(hubei: Desk) -> None:
    """Its message and the signed text are in GBK, or the signed text is in UTF-8 all the same."""
    for signed in ("gbk", "utf-8"):
        raw = a_signed(an_envelope(), encoding=signed).decode().encode("gbk")
        assert "ok" == await told(hubei, raw, {}), signed
    in_utf_8 = a_signed(an_envelope(), encoding="gbk")
    assert "SIGNATURE_INVALID" == await told(hubei, in_utf_8, {})


@pytest.mark.parametrize("uid", [b"", b"ALICE123@YAHOO.COM", b"1234567812345679"])
async def test_another_user_id_is_refused(hubei: Desk, uid: bytes) -> None:
    """There is one user id, whatever a signer thinks (reliability.md B32)."""
    assert "SIGNATURE_INVALID" == await told(hubei, a_signed(an_envelope(), uid), {})


async def test_a_wrong_signature_is_refused(hubei: Desk) -> None:
    """Another key, another member, no signature, half of one, zeros, and another kind."""
    right = json.loads(a_signed(an_envelope()))
    wrong = [
        json.loads(a_signed(an_envelope(), key=bytes(31) + b"\x05")),
        right | {"msgid": "another"},
        right | {"more": "x"},
        right | {"opter": {"x": 1}},
        *(right | {"cainfo": cainfo} for cainfo in (None, "", "zz", SIGNED[:64], "0" * 128)),
    ]

    for envelope in wrong:
        assert "SIGNATURE_INVALID" == await told(hubei, json.dumps(envelope).encode(), {})
    for kind in ("SM3", "MOCK", "", None, "none"):
        other = json.dumps(right | {"signtype": kind}).encode()
        assert "SIGNATURE_ALG" == await told(hubei, other, {})


@pytest.mark.parametrize("minutes", [-40, 40])
async def test_an_old_envelope_is_refused(hubei: Desk, minutes: int) -> None:
    """Its time is signed, so it counts: half an hour either way."""
    assert "CLOCK_SKEW" == await told(hubei, a_signed(an_envelope(minutes)), {})


@pytest.mark.parametrize("key", ["zz", "04", PUBLIC[:-2], "05" + PUBLIC[2:], "04" + "1" * 128])
async def test_what_is_no_public_key_is_not_taken(desk: Desk, key: str) -> None:
    """Not hex, too short, of another form, or a point that is not on the curve."""
    body = {"code": HOSPITAL.subject, "name": "x", "class": "hospital", "region": "990000"}
    path = f"/v1/institutions/{HOSPITAL.subject}"
    asked = body | {"signature": {"style": "sm2", "secret": key}}

    is_refused(await desk.send("PUT", NATION, path, asked), 422, "FIELD_INVALID")


def test_without_the_extra_it_is_said_clearly() -> None:
    """Where the library is not installed the style is refused by name."""
    with pytest.raises(ProblemError) as refused:
        verifier(PUBLIC, library="gmalg_is_not_installed")

    assert "SM2_NOT_INSTALLED" == refused.value.code


async def test_the_route_behind_the_gateway_checks_it_too(hubei: Desk) -> None:
    """The signature is in the body, so every door reads the same one."""
    behind = await hubei.behind.post(ENTRANCE, content=a_signed(an_envelope()))

    assert 0 == behind.json()["infcode"]
