"""Fetches issuers' keys from their addresses, and keeps them in files that `Tokens` reads.

A provider that does not answer, or answers nonsense, changes nothing: the last good keys stay, and
outlive a restart. A key that the provider has withdrawn is gone at the next fetch.
"""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from api.http.issuers.terms import IssuerTerms
from service.adapters.http_client import http_client

LOG = logging.getLogger("gongji.api")
FETCH_EVERY_S = 60.0
TIMEOUT_S, WHOLE_S = 3.0, 10.0
"""Seconds of one step of a fetch, and of a whole one: a dripping answer ends too."""
BYTES_MAX = 262_144
KEYS_MAX = 100
RSA_CHARACTERS_MIN = 342
"""The base64url of a modulus of 2048 bits."""
KINDS: dict[str, type[OKPKey | RSAKey | ECKey]] = {"OKP": OKPKey, "RSA": RSAKey, "EC": ECKey}


def key_set_of(told: Any) -> KeySet:  # noqa: ANN401 -- JSON
    """The keys of a JWK or a JWK set that verify signatures; others are left out.

    Raises:
        ValueError: none is left, or too many; JoseError, KeyError, TypeError: not of that shape.
    """
    found = told.get("keys", [told])
    keys = [_key(one) for one in found[:KEYS_MAX] if _verifies(one)]
    if not keys or len(found) > KEYS_MAX:
        raise ValueError("no key, or too many")
    return KeySet(keys)


def _verifies(key: dict[str, Any]) -> bool:
    return key.get("kty") in KINDS and key.get("use", "sig") == "sig"


def _key(told: dict[str, Any]) -> Key:
    if told["kty"] == "RSA" and len(told["n"]) < RSA_CHARACTERS_MIN:
        raise ValueError("an RSA key is too short")
    return KINDS[told["kty"]].import_key(told)


@contextlib.asynccontextmanager
async def fetched(issuers: Sequence[IssuerTerms], data: Path) -> AsyncIterator[None]:
    """Keep the keys of every address fresh, from before the first request on."""
    addressed = [terms for terms in issuers if terms.keys_url is not None]
    async with http_client(TIMEOUT_S) as client:
        await asyncio.gather(*(fetch(client, terms, data) for terms in addressed))
        tasks = [asyncio.create_task(_keep(client, terms, data)) for terms in addressed]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(client: httpx.AsyncClient, terms: IssuerTerms, data: Path) -> None:
    while True:
        await asyncio.sleep(FETCH_EVERY_S)
        await fetch(client, terms, data)


async def fetch(client: httpx.AsyncClient, terms: IssuerTerms, data: Path) -> bool:
    """Fetch an issuer's keys once; whether good ones came. Raises nothing."""
    try:
        async with asyncio.timeout(WHOLE_S):
            raw = await _body(client, terms.keys_url or "")
        key_set_of(json.loads(raw))
        await asyncio.to_thread(_replace, terms.keys_path(data), raw)
    except (httpx.HTTPError, OSError, JoseError, *UNSOUND) as error:
        LOG.warning("the keys of %s cannot be fetched (%s)", terms.issuer, type(error).__name__)
        return False
    return True


UNSOUND = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What an answer that is no JWK set raises."""


async def _body(client: httpx.AsyncClient, url: str) -> bytes:
    body = b""
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        if answer.status_code != 200:  # noqa: PLR2004 -- and no redirect: the address is the trust
            raise ValueError("another status than 200")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > BYTES_MAX:
                raise ValueError("too many bytes")
    return body


def _replace(path: Path, raw: bytes) -> None:
    """Replace a file whole, if it differs: a reader sees the old one or the new one."""
    if path.exists() and path.read_bytes() == raw:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.write_bytes(raw)
    made.replace(path)
