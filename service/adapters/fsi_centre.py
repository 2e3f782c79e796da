"""A region's centre (医保经办系统), to which messages of the national protocol are forwarded.

A message goes there as raw bytes, once: nobody here knows whether it writes, so nothing is ever
retried. A call has a deadline in whole, against a centre that hangs or drips. The calls under way
and the bytes of their answers are bounded, so a hanging centre takes nothing from anybody else.
"""

import asyncio
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import SignatureStyle
from service.adapters.http_client import http_client
from service.regions.areas import province_of

DEADLINE_S = 30.0
CONNECT_S = 3.0
AT_ONCE_MAX, OF_ONE_MAX = 64, 16
"""Calls under way to one centre, and those of one institution among them."""
HELD_MAX = 128 * 1_048_576
"""Bytes of all answers under way of one centre."""
CODE = re.compile(r"[0-9A-Za-z]{1,30}")
SIGNS = frozenset(
    {SignatureStyle.X_TIF, SignatureStyle.CSB, SignatureStyle.X_CA, SignatureStyle.APIKEY}
)
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Faults before the first byte of a message leaves."""


class CentreSettingError(Exception):
    """The setting of the centres, or the file of their keys, cannot be used."""


class CentreFault(StrEnum):
    """Why a centre gave no answer."""

    BUSY = "busy"
    DOWN = "down"
    SLOW = "slow"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    PACKED = "packed"


NOT_SENT = frozenset({CentreFault.BUSY, CentreFault.DOWN})
"""Faults after which the centre has surely seen nothing; after any other it may have acted."""


class CentreError(Exception):
    """A centre gave no answer."""

    def __init__(self, fault: CentreFault) -> None:
        super().__init__(fault)
        self.fault = fault


class CentreCall(NamedTuple):
    """A message to forward: its sender's code, where it came, and at most how many bytes return.

    `path` has the query. `is_file` says that it asks for a file, so it keeps its path.
    """

    sender: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    answer_max: int
    is_file: bool = False


class CentreAnswer(NamedTuple):
    """A centre's answer as it came; `kind` is its content type."""

    status: int
    kind: str
    body: bytes


class Centre:
    """A centre over HTTP; `client` may carry its certificates.

    Without a path in `url` a message keeps the path at which it came; with one it goes there. A
    call ends within `deadline_s` seconds, and the connection stands within `CONNECT_S`.
    """

    def __init__(
        self, url: str, client: httpx.AsyncClient | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        self._url = httpx.URL(url)
        self._client = client or http_client(deadline_s)
        self._deadline_s = deadline_s
        self._under_way: Counter[str] = Counter()
        self._held = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def under_way(self) -> int:
        """The number of calls that have no answer yet."""
        return self._under_way.total()

    async def forward(self, call: CentreCall) -> CentreAnswer:
        """Send a message once, and read the answer.

        Raises:
            CentreError: there is no whole answer.
        """
        with self._place(call.sender):
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._send(call)
            except UNSENT as error:
                raise CentreError(CentreFault.DOWN) from error
            except (TimeoutError, httpx.TimeoutException) as error:
                raise CentreError(CentreFault.SLOW) from error
            except httpx.HTTPError as error:
                raise CentreError(CentreFault.BROKEN) from error

    @contextmanager
    def _place(self, sender: str) -> Iterator[None]:
        if self.under_way >= AT_ONCE_MAX or self._under_way[sender] >= OF_ONE_MAX:
            raise CentreError(CentreFault.BUSY)
        self._under_way[sender] += 1
        try:
            yield
        finally:
            self._under_way[sender] -= 1
            if not self._under_way[sender]:
                del self._under_way[sender]

    async def _send(self, call: CentreCall) -> CentreAnswer:
        body = bytearray()
        wanted = {"accept-encoding": "identity", **call.headers}
        timeout = httpx.Timeout(self._deadline_s, connect=CONNECT_S)
        try:
            async with self._client.stream(
                call.method,
                self._target(call),
                content=call.body,
                headers=wanted,
                timeout=timeout,
            ) as answer:
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise CentreError(CentreFault.PACKED)
                async for part in answer.aiter_raw():
                    body += part
                    self._held += len(part)
                    if len(body) > call.answer_max or self._held > HELD_MAX:
                        raise CentreError(CentreFault.TOO_LARGE)
                kind = answer.headers.get("content-type", "")
                return CentreAnswer(answer.status_code, kind, bytes(body))
        finally:
            self._held -= len(body)

    def _target(self, call: CentreCall) -> httpx.URL:
        if self._url.path == "/" or call.is_file:
            return self._url.copy_with(raw_path=call.path.encode("ascii", "replace"))
        return self._url


class CentreKey(BaseModel):
    """How messages to a centre are signed anew."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    style: SignatureStyle
    paasid: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Centres:
    """The centres by region or province, with "" for all other regions.

    `keys` are by institution or by region. Without one a message keeps its sender's signature.
    """

    by_region: Mapping[str, Centre] = field(default_factory=dict)
    keys: Mapping[str, CentreKey] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        """Whether any region has a centre."""
        return bool(self.by_region)

    def of(self, region: str) -> Centre | None:
        """The centre of a pooling area, if it has one."""
        places = (region, province_of(region), "")
        return next((self.by_region[one] for one in places if one in self.by_region), None)

    def key_of(self, code: str, region: str) -> CentreKey | None:
        """How messages of an institution are signed anew; None leaves its own signature."""
        names = (code, region, province_of(region), "")
        return next((self.keys[name] for name in names if name in self.keys), None)

    async def close(self) -> None:
        """Close the connections."""
        for centre in self.by_region.values():
            await centre.close()


def centres_of(setting: str | None, keys: Path | None = None) -> Centres:
    """Centres from a setting: one URL, or `420000=https://…,330000=https://…`.

    `keys` is a TOML file with a table for each region or institution that signs anew: `style`,
    `paasid`, `secret`. The table `default` counts for all others.

    Raises:
        CentreSettingError: no region's code, no HTTP address, a region twice, or a bad file.
    """
    urls: dict[str, str] = {}
    for entry in filter(None, map(str.strip, (setting or "").split(","))):
        is_plain = entry.startswith(("http:", "https:"))
        code, _, url = ("", "", entry) if is_plain else entry.partition("=")
        if code and not re.fullmatch(r"[0-9]{6}", code):
            raise CentreSettingError("GONGJI_FSI_CENTRE_URL: a region has six digits")
        if code in urls:
            raise CentreSettingError("GONGJI_FSI_CENTRE_URL: a region has one address")
        urls[code] = _checked(url)
    told = _keys_of(keys) if keys is not None else {}
    return Centres({code: Centre(url) for code, url in urls.items()}, told)


def _checked(url: str) -> str:
    try:
        sound = httpx.URL(url)
    except httpx.InvalidURL:
        sound = httpx.URL("")
    if sound.scheme not in ("http", "https") or not sound.host or sound.userinfo:
        raise CentreSettingError("GONGJI_FSI_CENTRE_URL: an address is http:// or https://")
    return url


def _keys_of(path: Path) -> dict[str, CentreKey]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {name: CentreKey.model_validate(table) for name, table in tables.items()}
    except (OSError, ValueError, ValidationError) as error:
        # the error's own text may hold a secret
        raise CentreSettingError(f"{path} cannot be read ({type(error).__name__})") from None
    for name, key in keys.items():
        if not CODE.fullmatch(name) or key.style not in SIGNS | {SignatureStyle.NONE}:
            raise CentreSettingError(f"{path}: {name[:30]} has no style that is signed here")
        if key.style is not SignatureStyle.NONE and not key.secret:
            raise CentreSettingError(f"{path}: {name} has no secret")
    default = keys.pop("default", None)
    return keys | ({} if default is None else {"": default})
