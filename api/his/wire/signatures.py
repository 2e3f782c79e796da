"""Authenticates messages by the signatures that hospitals' clients make over the raw bytes.

Checked in this order: signature, time, nonce. Every comparison takes constant time.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from aggregates.vocabulary import SignatureStyle
from api.his.wire.access_token import check_token
from api.his.wire.sealed import check_sealed, keys_of, read_sealed
from api.his.wire.sm2 import check_sm2
from api.http.problems import ProblemError
from api.http.tokens import Tokens
from service.caller import Caller, Role, institution
from service.his.institution_terms import Terms
from service.his.nonces import NonceGuardError, Nonces
from service.vault import Vault

WINDOW_S = 300
CSB_WINDOW_S = 1800
"""Clients of this style have clocks that are up to half an hour wrong."""
CSB_SIGNED = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
SECONDS, MILLIS = frozenset({10}), frozenset({13})
"""Digits of a time in seconds since 1970, and in milliseconds; only CSB's clients send both."""
NONCE_MAX = 100
KEYED = frozenset(SignatureStyle) - {SignatureStyle.NONE}
"""The styles that need a secret or a public key."""

Headers = Mapping[str, str]


class Guard:
    """Checks that a request comes from the institution that it names."""

    def __init__(self, tokens: Tokens, nonces: Nonces, vault: Vault) -> None:
        self._tokens = tokens
        self._nonces = nonces
        self._vault = vault

    async def check(
        self, code: str, terms: Terms, headers: Headers, raw: bytes, now_s: float
    ) -> Caller:
        """The institution as a caller. `now_s` is the machine's time in seconds since 1970.

        Raises:
            ProblemError: SIGNATURE_INVALID, CLOCK_SKEW, NONCE_REPLAYED,
            REPLAY_GUARD_UNAVAILABLE, SIGNATURE_ALG, SM2_NOT_INSTALLED.
        """
        caller = institution(code)
        if terms.style in KEYED and not terms.secret:
            raise ProblemError("SIGNATURE_INVALID")  # an empty secret is known to anybody
        match terms.style:
            case SignatureStyle.X_TIF:
                nonce = _check_x_tif(terms, headers, now_s)
                await self._take(caller, nonce, raw)
            case SignatureStyle.SM2:
                _check_near(await check_sm2(terms.secret, raw), now_s, CSB_WINDOW_S)
            case SignatureStyle.SM4:
                await self._check_sealed(caller, terms, raw, now_s)
            case SignatureStyle.X_CA:
                _check_x_ca(code, terms, headers, raw, now_s)
            case _:
                self._check_headers(caller, terms, headers, now_s)
        return caller

    async def _check_sealed(self, caller: Caller, terms: Terms, raw: bytes, now_s: float) -> None:
        """Check an envelope of SM4 and SM2; a nonce is used up where it has one."""
        envelope = read_sealed(raw)
        if envelope is None:
            raise ProblemError("SIGNATURE_INVALID")
        stamp = await check_sealed(keys_of(terms), envelope)
        _check_time(stamp, now_s, WINDOW_S, SECONDS | MILLIS)
        if nonce := str(envelope.get("nonce") or "")[:NONCE_MAX]:
            await self._take(caller, (nonce, stamp), raw)

    def _check_headers(self, caller: Caller, terms: Terms, headers: Headers, now_s: float) -> None:
        """Check a style whose headers alone decide."""
        match terms.style:
            case SignatureStyle.CSB:
                _check_csb(terms, headers, now_s)
            case SignatureStyle.APIKEY:
                _check_same(terms.secret, _sent(headers, "apikey"))
            case SignatureStyle.OAUTH2:
                told = headers.get("authorization")
                check_token(self._vault, caller.subject, terms.secret, told, now_s)
            case None:
                _check_bearer(self._tokens, caller, headers)
            case SignatureStyle.NONE:
                pass
            case _:
                raise ProblemError("SIGNATURE_INVALID")

    async def _take(self, caller: Caller, nonce: tuple[str, str], raw: bytes) -> None:
        """Use up a nonce. A nonce that is only the time is extended by the body's digest."""
        text, seconds = nonce
        if text == seconds:
            text = f"{seconds}:{hashlib.sha256(raw).hexdigest()}"
        try:
            is_fresh = await self._nonces.take(caller.name, text)
        except NonceGuardError as error:
            raise ProblemError("REPLAY_GUARD_UNAVAILABLE") from error
        if not is_fresh:
            raise ProblemError("NONCE_REPLAYED")


def _check_bearer(tokens: Tokens, caller: Caller, headers: Headers) -> None:
    try:
        holder = tokens.caller(headers.get("authorization"))
    except ProblemError as error:
        if error.code != "UNAUTHENTICATED":
            raise
        raise ProblemError("SIGNATURE_INVALID") from error
    if holder.role is not Role.INSTITUTION or holder.subject != caller.subject:
        raise ProblemError("SIGNATURE_INVALID")


def signed_at(
    style: SignatureStyle | None, headers: Headers, envelope: Mapping[str, Any] | None
) -> float | None:
    """The time in a signature, in seconds since 1970; None if there is none."""
    match style:
        case SignatureStyle.X_TIF:
            stamp = _sent(headers, "x-tif-timestamp")
        case SignatureStyle.CSB:
            stamp = _sent(headers, "_api_timestamp")
        case SignatureStyle.X_CA:
            stamp = _sent(headers, "x-ca-signature").partition(":")[0]
        case SignatureStyle.SM4 if envelope is not None:
            stamp = str(envelope.get("timestamp"))
        case _:
            return None
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) in SECONDS | MILLIS):
        return None
    return int(stamp) / 1000 if len(stamp) in MILLIS else float(stamp)


def _check_x_tif(terms: Terms, headers: Headers, now_s: float) -> tuple[str, str]:
    """SHA-256 over time, secret, nonce and time; the body is not signed."""
    stamp, nonce = _sent(headers, "x-tif-timestamp"), _sent(headers, "x-tif-nonce")
    expected = hashlib.sha256(f"{stamp}{terms.secret}{nonce}{stamp}".encode()).hexdigest()
    _check_same(expected, _sent(headers, "x-tif-signature").lower())
    _check_same(terms.paasid, _sent(headers, "x-tif-paasid"))
    _check_time(stamp, now_s, WINDOW_S, SECONDS)
    if not 0 < len(nonce) <= NONCE_MAX:
        raise ProblemError("SIGNATURE_INVALID")
    return nonce, stamp


def _check_csb(terms: Terms, headers: Headers, now_s: float) -> None:
    """HMAC-SHA1 over the four members in order; the body is not signed."""
    text = "&".join(f"{name}={_sent(headers, name)}" for name in CSB_SIGNED)
    digest = hmac.digest(terms.secret.encode(), text.encode(), "sha1")
    _check_same(base64.b64encode(digest).decode(), _sent(headers, "_api_signature"))
    _check_same(terms.paasid, _sent(headers, "_api_access_key"))
    _check_time(_sent(headers, "_api_timestamp"), now_s, CSB_WINDOW_S, SECONDS | MILLIS)


def _check_x_ca(code: str, terms: Terms, headers: Headers, raw: bytes, now_s: float) -> None:
    """HMAC-SM3 over the time, a line feed, and the body's bytes."""
    stamp, _, signature = _sent(headers, "x-ca-signature").partition(":")
    mac = HMAC(terms.secret.encode(), hashes.SM3())
    mac.update(f"{stamp}\n".encode() + raw)
    _check_same(mac.finalize().hex().upper(), signature.upper())
    _check_same(code, _sent(headers, "x-ca-key"))
    _check_time(stamp, now_s, WINDOW_S, SECONDS)


def _sent(headers: Headers, name: str) -> str:
    return headers.get(name, "")


def _check_same(ours: str, theirs: str) -> None:
    if not ours or not hmac.compare_digest(ours.encode(), theirs.encode()):
        raise ProblemError("SIGNATURE_INVALID")


def _check_time(stamp: str, now_s: float, window_s: int, sizes: frozenset[int]) -> None:
    """Check a time in seconds or milliseconds since 1970, as the style allows."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) in sizes):
        raise ProblemError("SIGNATURE_INVALID")
    sent_s = int(stamp) / 1000 if len(stamp) in MILLIS else int(stamp)
    _check_near(sent_s, now_s, window_s)


def _check_near(sent_s: float, now_s: float, window_s: int) -> None:
    if abs(now_s - sent_s) > window_s:
        raise ProblemError("CLOCK_SKEW")
