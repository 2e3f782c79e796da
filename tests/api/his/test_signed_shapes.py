"""A day of hospitals and pharmacies in every shape and every style of signing.

Each system signs the bytes that it sends. What is wrongly signed, not signed, or sent again by
somebody else has no effect.
"""

import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from aggregates.vocabulary import BEIJING, SignatureStyle
from api.his.wire.sealed import opened_text
from service.clock import machine_now
from tests.api.clients import Desk, Who
from tests.api.his.client import His, RefusedError, Wire
from tests.api.his.shapes import SHAPES, Message, Shape, in_shape
from tests.api.his.signing import (
    SEALING,
    SEALS,
    SECRET,
    SM2_PUBLIC,
    csb,
    sealed,
    sm2_signed,
    x_ca,
    x_tif,
)
from tests.api.his.test_shapes import Client, a_day, a_designated

TOKEN = "/auth/oauth/token"
RIGHT, OTHER, NOT = "right", "other", "not"
"""A message is signed, signed for other bytes or with another secret, or not signed."""
ONCE = frozenset({SignatureStyle.X_TIF, SignatureStyle.SM4})
"""The styles whose nonce is used up."""
NONCES = itertools.count(1)


@dataclass
class Signing:
    """What an institution's system does to its messages before and after they have a shape."""

    desk: Desk
    who: Who
    style: SignatureStyle | None
    shape: Shape
    how: str = RIGHT
    token: str = ""
    sent: int = 0
    last: tuple[str, dict[str, str], bytes] = ("", {}, b"")
    message: Message = field(default_factory=dict)

    @property
    def encoding(self) -> str:
        """Of the bytes that the system sends, and of the text that it signs."""
        return "gbk" if self.shape.name == "gbk" else "utf-8"

    def wire(self) -> Wire:
        """A wire that signs what the shape wrote; SM2 signs the message before it."""
        shaped = in_shape(self.shape, self._carry)

        async def send(path: str, headers: dict[str, str], body: bytes) -> bytes:
            self.message = json.loads(body)
            if self.style is SignatureStyle.SM2:
                self.message = self._with_cainfo()
            return await shaped(path, headers, json.dumps(self.message).encode())

        return send

    def _with_cainfo(self) -> Message:
        now = f"{machine_now().astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        asked = self.message | {"signtype": "SM2", "inf_time": now}
        if self.how == NOT:
            return asked
        signed = asked | ({"msgid": "another"} if self.how == OTHER else {})
        made: Message = json.loads(sm2_signed(signed, encoding=self.encoding))
        return asked | {"cainfo": made["cainfo"]}

    async def _carry(self, path: str, _: dict[str, str], raw: bytes) -> bytes:
        is_sealed = self.style is SignatureStyle.SM4 and self.how != NOT
        body = self._sealed(raw) if is_sealed else raw
        headers = {} if self.how == NOT else await self._headers(raw)
        self.last = (path, headers, body)
        return await self.post()

    async def post(self) -> bytes:
        """Send the last message as it was sent; what the answer says in the clear."""
        path, headers, body = self.last
        self.sent += 1
        answer = await self.desk.front.post(path, content=body, headers=headers)
        assert 200 == answer.status_code, answer.text
        if b'"encData"' in answer.content:
            return opened_text(SEALING, answer.json()).encode()
        return answer.content

    def _sealed(self, raw: bytes) -> bytes:
        more: dict[str, Any] = {"nonce": str(next(NONCES)), "fixmedins_code": self.who.subject}
        text = raw.decode(self.encoding)
        signed = text + " " if self.how == OTHER else None
        envelope = json.dumps(sealed(text, signed=signed, encoding=self.encoding, **more))
        is_text = self.shape.name == "body in a text"
        return (json.dumps(envelope) if is_text else envelope).encode()

    async def _headers(self, raw: bytes) -> dict[str, str]:
        is_right, now_s = self.how == RIGHT, time.time()
        secret, headers = SECRET if is_right else "other", dict[str, str]()
        match self.style:
            case SignatureStyle.X_TIF:
                headers = x_tif(raw, now_s, str(next(NONCES)), secret)
            case SignatureStyle.CSB:
                headers = csb(raw, now_s, secret)
            case SignatureStyle.X_CA:
                over = raw if is_right else raw + b" "
                headers = x_ca(over, now_s) | {"x-ca-key": self.who.subject}
            case SignatureStyle.APIKEY:
                headers = {"apikey": secret}
            case SignatureStyle.OAUTH2:
                self.token = self.token or await self._fetched()
                headers = {"authorization": f"Bearer {self.token if is_right else secret}"}
            case None:
                headers = self.desk.bearer(self.who) if is_right else {"authorization": "Bearer x"}
            case _:
                pass
        return headers

    async def _fetched(self) -> str:
        basic = b64encode(f"{self.who.subject}:{SECRET}".encode()).decode()
        form, headers = {"grant_type": "client_credentials"}, {"authorization": f"Basic {basic}"}
        given = await self.desk.front.post(TOKEN, data=form, headers=headers)
        return str(given.json()["access_token"])


def setting_of(style: SignatureStyle | None) -> dict[str, str] | None:
    """What the institution says of its signature; None for a bearer token."""
    match style:
        case None:
            return None
        case SignatureStyle.SM4:
            return SEALS
        case SignatureStyle.NONE:
            return {"style": "none"}
        case SignatureStyle.SM2:
            return {"style": "sm2", "secret": SM2_PUBLIC}
        case SignatureStyle.OAUTH2:
            return {"style": "oauth2", "secret": SECRET}
        case _:
            return {"style": style, "paasid": "paas", "secret": SECRET}


async def a_signed_day(
    desk: Desk, shape: Shape, style: SignatureStyle | None, number: int
) -> list[Signing]:
    """A day, and then messages that are none of this system's."""
    made: list[Signing] = []

    async def make(desk: Desk, shape: Shape, number: int, kind: str, person: str) -> Client:
        who = await a_designated(desk, shape, number, kind, setting_of(style))
        made.append(Signing(desk, who, style, shape))
        return Client(desk, who, person, His(who.subject, made[-1].wire()))

    hospital, pharmacy = await a_day(desk, shape, number, make)
    if style is not SignatureStyle.NONE:
        await refuses(hospital, made[0], "2201", hospital.his.registration(hospital.person, "OP9"))
        sent = pharmacy.his.purchase(pharmacy.person, "1.10", "INV8")
        await refuses(pharmacy, made[1], "2102", sent)
    await pharmacy.pay("2102", pharmacy.his.purchase(pharmacy.person, "1.20", "INV9"))
    await is_taken_once(pharmacy, made[1])
    await pharmacy.is_believed_by_the_ledger()
    return made


async def refuses(one: Client, signing: Signing, infno: str, sent: Message) -> None:
    """A message with a signature of other bytes or of nobody changes nothing."""
    before = await one.desk.context.store.position(), await one.desk.balance(one.person)
    for signing.how in (OTHER, NOT):
        with pytest.raises(RefusedError) as refused:
            await one.his.ask(infno, sent)
        assert "SIGNATURE_INVALID" == refused.value.code, signing.how
    signing.how = RIGHT
    after = await one.desk.context.store.position(), await one.desk.balance(one.person)
    assert before == after


async def is_taken_once(one: Client, signing: Signing) -> None:
    """The last message again, byte by byte, changes nothing."""
    told = one.his.told[-1][1]
    before = await one.desk.context.store.position(), await one.desk.balance(one.person)
    reply = signing.shape.read(signing.message, await signing.post())
    after = await one.desk.context.store.position(), await one.desk.balance(one.person)
    assert before == after
    if signing.style in ONCE:
        assert "NONCE_REPLAYED" == json.loads(reply["exp_content"])["code"]
    else:
        assert told["output"] == reply["output"]


@pytest.mark.slow
async def test_a_day_in_every_shape_and_every_style(
    desk_on_postgres: Desk, tell: Callable[[str], None]
) -> None:
    """Every shape with every style of signing; the money of each is the ledger's."""
    desk, began_s = desk_on_postgres, time.monotonic()
    desk.limits.callers.per_minute = desk.limits.addresses.per_minute = 0
    pairs = list(itertools.product(SHAPES, (*SignatureStyle, None)))
    signings: list[Signing] = []
    failed: list[str] = []
    for number, (shape, style) in enumerate(pairs, 1):
        try:
            signings += await a_signed_day(desk, shape, style, number)
        except Exception as error:  # noqa: BLE001 -- every pair is played
            failed.append(f"{shape.name}, {style or 'bearer'}: {error!r}"[:300])
    messages = sum(signing.sent for signing in signings)
    took_s = time.monotonic() - began_s
    tell(f"signed shapes: {len(pairs)} pairs, {messages} messages, {took_s:.0f} s")
    assert [] == failed
