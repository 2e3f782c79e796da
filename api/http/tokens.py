"""Bearer tokens, of the development issuer or of the deployment's own.

A verified token is cached by its SHA-256 beside the keys that verified it. Its expiry is checked
at every use on the machine's clock. Failures are never cached, and new keys empty the cache.

The file of keys is read before the first request, and checked every second and whenever a token
fails. New keys replace the old ones in one step. While the file cannot be read, the last good
keys are used for `KEPT_S`, with a log line and a metric; after that every token is refused.

A token of another issuer (`GONGJI_TOKEN_ISSUERS`) is verified with that issuer's own keys, by its
own terms. The issuer that a token names only chooses the keys: the signature proves it.
"""

import hashlib
import json
import logging
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import extract_compact

from api.http.issuers.key_sets import key_set_of
from api.http.issuers.terms import IssuerTerms, TokenHolder
from api.http.problems import ProblemError
from service.caller import Caller, Role, agency, person
from service.clock import machine_now, monotonic_s
from service.runtime.readiness import ReadinessReason
from service.vault import Vault

LOG = logging.getLogger("gongji.api")
ALGORITHMS = ["Ed25519"]
ISSUER = AUDIENCE = "gongji"
REMEMBERED_MAX = 10_000
LOOK_AGAIN_S = 1.0
KEPT_S = 300.0
"""Seconds for which the last good keys are used while their file cannot be read."""
NATION = "*"
"""The region in the token of a national agency."""
REGION = re.compile(r"\*|[0-9A-Za-z]{1,12}")
"""Any word: a region that does not exist finds nothing."""


class TokenKeysError(Exception):
    """The file of token keys cannot be read."""


class Remembered(NamedTuple):
    """A verified token: its holder, and the second of the machine's clock at which it expires."""

    caller: Caller
    expires_at: float


class KeysRead(NamedTuple):
    """The keys of one version of the file, and the tokens that they verified."""

    stamp: tuple[int, ...]
    keys: KeySet
    remembered: OrderedDict[bytes, Remembered]


class Tokens:
    """Verifies tokens with the public keys of a file, for any number of threads."""

    def __init__(
        self,
        path: Path,
        person_keys: Vault,
        clock: Callable[[], float] = monotonic_s,
        terms: IssuerTerms | None = None,
    ) -> None:
        """Verify with a JWK or JWK set in a file; persons are named by the ledger's keys.

        `clock` measures seconds. With `terms` they are the tokens of another issuer, whose keys
        may come later: until then they are answered with TOKEN_KEYS_UNREADABLE.

        Raises:
            TokenKeysError: the file cannot be read.
        """
        self._path = path
        self._person_keys = person_keys
        self._clock = clock
        self._terms = terms
        self._others: dict[str, Tokens] = {}
        self._lock = threading.Lock()
        self._look_at_s = clock() + LOOK_AGAIN_S
        self._failing_since_s: float | None = None
        try:
            self._held = _read(path, terms)
        except TokenKeysError:
            if terms is None:
                raise
            self._held = KeysRead((), KeySet([]), OrderedDict())
            self._failing_since_s = clock() - KEPT_S - 1

    def also_of(self, issuers: Iterable[IssuerTerms], data: Path) -> None:
        """Verify the tokens of these issuers too, with the keys that lie in the data directory."""
        for terms in issuers:
            path = terms.keys_path(data)
            self._others[terms.issuer] = Tokens(path, self._person_keys, self._clock, terms)

    @property
    def failing_s(self) -> float:
        """Seconds for which the file of keys could not be read; 0 when it can."""
        if self._clock() >= self._look_at_s:
            self._look(wait=False)
        since_s = self._failing_since_s
        return 0.0 if since_s is None else self._clock() - since_s

    def reasons(self) -> list[ReadinessReason]:
        """The reasons for readiness that files of keys cannot be read."""
        reasons = [reason for other in self._others.values() for reason in other.reasons()]
        if failing_s := self.failing_s:
            whose = f"the token keys of {self._terms.issuer}" if self._terms else "token keys"
            told = f"the file of {whose} could not be read for {failing_s:.0f} s of {KEPT_S:.0f}"
            reasons.append(ReadinessReason("TOKEN_KEYS_UNREADABLE", told))
        return reasons

    def caller(self, authorization: str | None) -> Caller:
        """The holder of an `Authorization: Bearer …` header.

        Raises:
            ProblemError: UNAUTHENTICATED; TOKEN_REGION_MISSING: an agency's without a region;
            TOKEN_KEYS_UNREADABLE: no token can be verified now.
        """
        if authorization is None or authorization[:7].lower() != "bearer ":
            raise ProblemError("UNAUTHENTICATED")
        token = authorization[7:].strip()
        if self._others and (named := self._others.get(_named_issuer(token))):
            return named.caller(authorization)
        if self.failing_s > KEPT_S:
            raise ProblemError("TOKEN_KEYS_UNREADABLE")
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._held.remembered
        known = remembered.get(digest) or self._verified(token, digest)
        if known.expires_at <= machine_now().timestamp():
            remembered.pop(digest, None)
            raise ProblemError("UNAUTHENTICATED")
        return known.caller

    def _verified(self, token: str, digest: bytes) -> Remembered:
        """Verify a token that is not cached; if it fails, again with the newest keys."""
        held = self._held
        try:
            known = self._verify(token, held.keys)
        except FAILURES as error:
            self._look(wait=True)
            if held is self._held:
                raise ProblemError("UNAUTHENTICATED") from error
            held = self._held
            try:
                known = self._verify(token, held.keys)
            except FAILURES as still:
                raise ProblemError("UNAUTHENTICATED") from still
        held.remembered[digest] = known
        if len(held.remembered) > REMEMBERED_MAX:
            held.remembered.popitem(last=False)
        return known

    def _look(self, *, wait: bool) -> None:
        """Read the keys if the file changed. Without `wait` another thread's check is enough."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            self._look_at_s = self._clock() + LOOK_AGAIN_S
            if self._failing_since_s is None and _stamp(self._path) == self._held.stamp:
                return
            held = _read(self._path, self._terms)
            if held.stamp != self._held.stamp:
                self._held = held
            self._failing_since_s = None
        except TokenKeysError as error:
            if self._failing_since_s is None:
                self._failing_since_s = self._clock()
                LOG.error("%s; the last good ones hold for %d s", error, KEPT_S)  # noqa: TRY400
        finally:
            self._lock.release()

    def _verify(self, token: str, keys: KeySet) -> Remembered:
        terms = self._terms
        algorithms = ALGORITHMS if terms is None else list(terms.algorithms)
        claims = jwt.decode(token, keys, algorithms=algorithms).claims
        if terms is None:
            _CLAIMS.validate(claims)
            holder = TokenHolder(Role(claims["role"]), str(claims["sub"]), claims.get("region"))
        else:
            terms.check(claims)
            holder = terms.holder(claims)
        return Remembered(self._caller_of(holder), float(claims["exp"]))

    def _caller_of(self, holder: TokenHolder) -> Caller:
        role, subject, region = holder
        if role is Role.PERSON:
            return person(self._person_keys, subject)
        if role is not Role.AGENCY:
            return Caller(role, subject, None, f"{role}:{subject}")
        if not isinstance(region, str) or not REGION.fullmatch(region):
            raise ProblemError("TOKEN_REGION_MISSING")
        return agency(subject, None if region == NATION else region)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with a file; zeros if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return (0,)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def _named_issuer(token: str) -> str:
    """The issuer that a token names, not verified; empty if it names none."""
    try:
        claims = json.loads(extract_compact(token.encode()).payload)
        return str(claims["iss"])
    except FAILURES:
        return ""


def _read(path: Path, terms: IssuerTerms | None = None) -> KeysRead:
    """The keys of a file; its stamp is older than what was read, never younger.

    Raises:
        TokenKeysError: it is not there, or not a JWK or JWK set of Ed25519 keys (of another
        issuer: of any kind that verifies), or an empty set, which would verify no token.
    """
    stamp = _stamp(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if terms is not None:
            return KeysRead(stamp, key_set_of(told), OrderedDict())
        keys = told.get("keys", [told])
        if not keys:
            raise ValueError("a set without a key")
        return KeysRead(stamp, KeySet([OKPKey.import_key(key) for key in keys]), OrderedDict())
    except (OSError, *FAILURES) as error:
        why = type(error).__name__
        raise TokenKeysError(f"the token keys in {path} cannot be read ({why})") from error


FAILURES = (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What the library raises for a malformed token or key."""
_CLAIMS = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    sub={"essential": True},
)


def issuer_path(data: Path) -> Path:
    """The path of the development issuer's key in a data directory."""
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

    `region` is an agency's, or `NATION`; other roles have none.

    Raises:
        FileNotFoundError: no service has run on this data directory.
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
