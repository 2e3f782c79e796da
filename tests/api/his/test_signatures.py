"""Signatures as hospitals' clients make them: taken when right, refused when anything is not."""

import json
import time

import pytest

from aggregates.institution import InstitutionDesignated
from aggregates.vocabulary import Instant, SignatureStyle
from service.caller import Request, agency
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from tests.api.clients import AGENCY, HOSPITAL, PHARMACY, Desk
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import signs
from tests.api.his.signing import SECRET, STYLES, x_ca, x_tif

WHO = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}}


async def told(desk: Desk, raw: bytes, headers: dict[str, str]) -> str:
    """What a signed 1101 is answered: "ok", or the code of its refusal."""
    answer = await desk.front.post(ENTRANCE, content=raw, headers=headers)
    reply = answer.json()
    return "ok" if reply["infcode"] == 0 else str(json.loads(reply["exp_content"])["code"])


async def a_message(desk: Desk, style: SignatureStyle) -> bytes:
    """A 1101 of the hospital's, which signs in this style."""
    await signs(desk, HOSPITAL, {"style": style, "paasid": "paas", "secret": SECRET}, {})
    return unsigned()


def unsigned() -> bytes:
    """A 1101 of the hospital's."""
    his = His(HOSPITAL.subject, wire=None)  # type: ignore[arg-type]
    return json.dumps(his.envelope("1101", WHO, his.msgid())).encode()


@pytest.mark.parametrize("style", STYLES)
async def test_a_right_signature_is_taken(desk_on_postgres: Desk, style: SignatureStyle) -> None:
    """Each style once, with its own secret and today's time."""
    raw = await a_message(desk_on_postgres, style)

    assert "ok" == await told(desk_on_postgres, raw, STYLES[style](raw, time.time()))


@pytest.mark.parametrize("style", STYLES)
async def test_a_wrong_signature_is_refused(desk_on_postgres: Desk, style: SignatureStyle) -> None:
    """Another secret, no headers, a header changed, a clock an hour off: nothing is answered."""
    raw, sign, now_s = await a_message(desk_on_postgres, style), STYLES[style], time.time()
    wrong = [
        {},
        sign(raw, now_s, secret="other"),  # type: ignore[call-arg]
        *({**sign(raw, now_s), name: "0"} for name in sign(raw, now_s)),
    ]

    for headers in wrong:
        assert "SIGNATURE_INVALID" == await told(desk_on_postgres, raw, headers)
    assert "CLOCK_SKEW" == await told(desk_on_postgres, raw, sign(raw, now_s - 3600))
    assert "CLOCK_SKEW" == await told(desk_on_postgres, raw, sign(raw, now_s + 3600))


@pytest.mark.parametrize("style", [SignatureStyle.X_TIF, SignatureStyle.X_CA])
async def test_milliseconds_are_no_seconds(desk_on_postgres: Desk, style: SignatureStyle) -> None:
    """The protocol says seconds of these; only CSB's clients write both."""
    raw = await a_message(desk_on_postgres, style)
    signed = STYLES[style](raw, time.time() * 1000)

    assert "SIGNATURE_INVALID" == await told(desk_on_postgres, raw, signed)


async def test_the_body_is_signed_where_the_style_signs_it(desk_on_postgres: Desk) -> None:
    """A byte more, and the HMAC over the body is wrong."""
    raw = await a_message(desk_on_postgres, SignatureStyle.X_CA)
    headers = x_ca(raw, time.time())

    assert "SIGNATURE_INVALID" == await told(desk_on_postgres, raw + b" ", headers)


async def test_a_nonce_is_taken_once(desk_on_postgres: Desk) -> None:
    """The same nonce again is a replay, whatever the body; a new one is none."""
    raw, now_s = await a_message(desk_on_postgres, SignatureStyle.X_TIF), time.time()
    first = x_tif(raw, now_s, "a")

    assert "ok" == await told(desk_on_postgres, raw, first)
    assert "NONCE_REPLAYED" == await told(desk_on_postgres, raw, first)
    assert "NONCE_REPLAYED" == await told(desk_on_postgres, raw + b" ", first)
    assert "ok" == await told(desk_on_postgres, raw, x_tif(raw, now_s, "b"))


async def test_a_nonce_that_is_the_time_goes_by_the_body(desk_on_postgres: Desk) -> None:
    """Clients whose nonce is the second may send two messages in it, but not one twice."""
    raw, now_s = await a_message(desk_on_postgres, SignatureStyle.X_TIF), time.time()
    headers = x_tif(raw, now_s, str(int(now_s)))

    assert "ok" == await told(desk_on_postgres, raw, headers)
    assert "ok" == await told(desk_on_postgres, raw + b" ", headers)
    assert "NONCE_REPLAYED" == await told(desk_on_postgres, raw, headers)


@pytest.mark.parametrize("style", STYLES)
async def test_an_empty_secret_signs_nothing(desk_on_postgres: Desk, style: SignatureStyle) -> None:
    """An institution that was designated without one, before that was refused, is not let in."""
    desk = desk_on_postgres
    raw = await a_message(desk, style)
    code, keys = HOSPITAL.subject, desk.context.vault

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream = reads.find(keys.name("institution", code))
        assert stream is not None
        known = reads.institution(stream)
        event = InstitutionDesignated(
            code=known.code,
            name=known.name,
            kind=known.kind,
            region=known.region,
            status=known.status,
            opened_regions=known.opened_regions,
            sensitive=known.sensitive,
            dialect=known.dialect,
            signature=known.signature,
            sealed=None,
        )
        return Decision(answer=b"{}", events=[(stream, event)])

    await desk.context.do(Request(agency("old", None), f"old:{style}", b"", "http"), decide)
    signed = STYLES[style](raw, time.time(), secret="")  # type: ignore[call-arg]

    assert "SIGNATURE_INVALID" == await told(desk, raw, signed)


async def test_without_the_table_of_nonces_nothing_is_taken(desk: Desk) -> None:
    """Where nobody can say whether a nonce was used the answer is no."""
    raw = await a_message(desk, SignatureStyle.X_TIF)

    assert "REPLAY_GUARD_UNAVAILABLE" == await told(desk, raw, x_tif(raw, time.time()))


async def test_a_bearer_token_is_its_institution_s_alone(desk: Desk) -> None:
    """The usual way: a token of ours, of this institution, and of no other and nobody else."""
    raw = unsigned()

    assert "ok" == await told(desk, raw, desk.bearer(HOSPITAL))
    for who in (PHARMACY, AGENCY):
        assert "SIGNATURE_INVALID" == await told(desk, raw, desk.bearer(who))
    assert "SIGNATURE_INVALID" == await told(desk, raw, {})
