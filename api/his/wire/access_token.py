"""Bearer tokens of institutions that fetch one at `/auth/oauth/token` (OAuth 2, RFC 6749).

A token names its institution and its end, under a keyed digest of this ledger. It needs no key of
the deployment's issuer, and every process of the service knows it. It is good for the national
protocol alone, and no longer than its institution's secret.
"""

import base64
import hashlib
import hmac

from api.http.problems import ProblemError
from service.vault import Vault

LIFETIME_S = 1800
SEALED = "gongji-fsi"


def make_token(vault: Vault, code: str, secret: str, now_s: float) -> str:
    """A token of an institution, from a moment in seconds since 1970 on."""
    told = f"{SEALED}.{_encoded(code.encode())}.{int(now_s) + LIFETIME_S}"
    return f"{told}.{_digest(vault, told, secret)}"


def check_token(
    vault: Vault, code: str, secret: str, authorization: str | None, now_s: float
) -> None:
    """Check an `Authorization: Bearer …` header.

    Raises:
        ProblemError: SIGNATURE_INVALID: no token of this institution and its present secret, or
        it has ended.
    """
    kind, _, token = (authorization or "").partition(" ")
    told, _, digest = token.strip().rpartition(".")
    expected = _digest(vault, told, secret)
    is_ours = hmac.compare_digest(expected.encode(), digest.encode())
    named, _, end = told.removeprefix(f"{SEALED}.").partition(".")
    if kind.lower() != "bearer" or not is_ours or named != _encoded(code.encode()):
        raise ProblemError("SIGNATURE_INVALID")
    if int(end) <= now_s:
        raise ProblemError("SIGNATURE_INVALID")


def token_subject(authorization: str | None) -> str:
    """The institution that a token names, unchecked; empty if it names none."""
    _, _, token = (authorization or "").partition(" ")
    kind, _, rest = token.strip().partition(".")
    named = rest.partition(".")[0]
    if kind != SEALED:
        return ""
    try:
        return base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
    except ValueError:
        return ""


def _digest(vault: Vault, told: str, secret: str) -> str:
    of_secret = hashlib.sha256(secret.encode()).hexdigest()
    return _encoded(vault.sign(f"fsi token\0{told}\0{of_secret}".encode()))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
