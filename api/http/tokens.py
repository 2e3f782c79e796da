"""Bearer tokens: who calls. Issued by the development issuer or by the deployment's own.

A verified token is remembered by its SHA-256; its expiry is checked at every use on the
machine's clock, failures are never remembered, and a change of keys forgets everything.
"""

import hashlib
import json
import os
from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from api.http.problems import ProblemError
from service.caller import Caller, Role, person
from service.clock import machine_now, monotonic_s
from service.vault import Keys

ALGORITHMS = ["Ed25519"]
ISSUER = AUDIENCE = "gongji"
REMEMBERED_MAX = 10_000
LOOK_AGAIN_S = 1.0


class Remembered(NamedTuple):
    """A verified token: its holder, and the machine second it ends at."""

    caller: Caller
    expires_at: float


class Tokens:
    """Verifies tokens with the public keys of a file."""

    def __init__(self, path: Path, person_keys: Keys) -> None:
        """Verify with a JWK or JWK set in a file; persons are named by the ledger's keys."""
        self._path = path
        self._person_keys = person_keys
        self._keys = KeySet([])
        self._changed_ns = -1
        self._looked_s = -LOOK_AGAIN_S
        self._remembered: OrderedDict[bytes, Remembered] = OrderedDict()

    def caller(self, authorization: str | None) -> Caller:
        """The holder of an `Authorization: Bearer …` header.

        Raises:
            ProblemError: UNAUTHENTICATED.
        """
        if authorization is None or authorization[:7].lower() != "bearer ":
            raise ProblemError("UNAUTHENTICATED")
        self._look_at_keys()
        token = authorization[7:].strip()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is None:
            known = self._verified(token)
            self._remembered[digest] = known
            if len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        if known.expires_at <= machine_now().timestamp():
            self._remembered.pop(digest, None)
            raise ProblemError("UNAUTHENTICATED")
        return known.caller

    def _look_at_keys(self) -> None:
        """Read the keys again when their file has changed; looked at once a second."""
        now = monotonic_s()
        if now - self._looked_s < LOOK_AGAIN_S:
            return
        self._looked_s = now
        changed_ns = self._path.stat().st_mtime_ns if self._path.exists() else 0
        if changed_ns != self._changed_ns:
            self._changed_ns = changed_ns
            self._remembered.clear()
            held = json.loads(self._path.read_text(encoding="utf-8")) if changed_ns else {}
            self._keys = KeySet([OKPKey.import_key(key) for key in held.get("keys", [held])])

    def _verified(self, token: str) -> Remembered:
        try:
            claims = jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            _CLAIMS.validate(claims)
            return Remembered(self._holder(claims), float(claims["exp"]))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProblemError("UNAUTHENTICATED") from error

    def _holder(self, claims: dict[str, Any]) -> Caller:
        role, subject, region = Role(claims["role"]), str(claims["sub"]), claims.get("region")
        if role is Role.PERSON:
            return person(self._person_keys, subject)
        return Caller(role, subject, region, f"{role}:{subject}")


_CLAIMS = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
)


def issuer_path(data: Path) -> Path:
    """Where the development issuer's key lies in a data directory."""
    return data / "issuer.json"


def make_issuer(path: Path) -> None:
    """Make the development issuer's key, once, readable by its owner alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    key = OKPKey.generate_key("Ed25519", {"kid": "development"}, private=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(key.as_dict(private=True), file)
    try:
        os.link(made, path)
    except FileExistsError:
        pass  # a second process was faster: its key is the key
    finally:
        made.unlink()


def issue(path: Path, role: Role, subject: str, region: str | None, ends_at: datetime) -> str:
    """A token of the development issuer until a moment of the machine's clock.

    Raises:
        FileNotFoundError: no service ever ran on this data directory.
    """
    key = OKPKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "role": role.value,
        "region": region,
        "iat": int(machine_now().timestamp()),
        "exp": int(ends_at.timestamp()),
    }
    return jwt.encode({"alg": "Ed25519", "kid": "development"}, claims, key, algorithms=ALGORITHMS)


def days_from_now(days: int) -> datetime:
    """A moment of the machine's clock, for a token's end."""
    return machine_now() + timedelta(days=days)
