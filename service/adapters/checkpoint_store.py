"""Keeps the newest checkpoint outside the database: one object over HTTP, or one file.

An object store's URL takes `PUT` with the checkpoint's text as body and returns it for `GET`; 404
means that nothing is stored yet. Any other answer is an error. A name and password in the URL are
sent as Basic authorization, and never logged.
"""

import asyncio
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from service.adapters.http_client import http_client

TIMEOUT_S = 3.0
"""Seconds until an answer; the sealer waits for it between two seals."""
BYTES_MAX = 65_536
"""A checkpoint has a few hundred bytes and a line for each witness."""
NOT_FOUND = 404


class OutsideUnreachableError(Exception):
    """The store gave no valid answer."""


class AddressInvalidError(Exception):
    """The address has no supported scheme."""


class CheckpointStore(Protocol):
    """One object outside the database."""

    @property
    def name(self) -> str:
        """The address as shown to operators, without credentials."""
        ...

    async def get(self) -> str | None:
        """The stored text; None if there is none. Raises OutsideUnreachableError."""
        ...

    async def put(self, text: str) -> None:
        """Store a text atomically. Raises OutsideUnreachableError."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def store_of(url: str) -> CheckpointStore:
    """The store at an `http:`, `https:` or `file:` address.

    Raises:
        AddressInvalidError: another scheme, or no host or path.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        return ObjectStore(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path[:1] == "/":
        return FileStore(Path(unquote(parts.path)))
    raise AddressInvalidError("GONGJI_CHECKPOINT_URL is no http:, https: or file: address")


class ObjectStore:
    """An object over HTTP; `client` may carry certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        parts = urlsplit(url)
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self.name = f"{parts.scheme}://{host}{parts.path}"
        self._url = url
        self._client = client or http_client(TIMEOUT_S)

    async def get(self) -> str | None:
        """The stored text; None on 404.

        Raises:
            OutsideUnreachableError: another answer, no answer in time, or one that is too long.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S), self._client.stream("GET", self._url) as answer:
                if answer.status_code == NOT_FOUND:
                    return None
                answer.raise_for_status()
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > BYTES_MAX:
                        raise OutsideUnreachableError("an object that is no checkpoint")
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutsideUnreachableError(_why(error)) from error
        return body.decode(errors="replace")

    async def put(self, text: str) -> None:
        """Store a text.

        Raises:
            OutsideUnreachableError: it was refused, or the outcome is unknown.
        """
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.put(self._url, content=text.encode(), headers=headers)
            answer.raise_for_status()
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutsideUnreachableError(_why(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _why(error: Exception) -> str:
    """What went wrong, without the address, which may contain a password."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__


class FileStore:
    """A file, on another disk than the database's. Its directory must exist."""

    def __init__(self, path: Path) -> None:
        self.name = f"file://{path}"
        self._path = path

    async def get(self) -> str | None:
        """The text in the file; None if there is no file.

        Raises:
            OutsideUnreachableError: it cannot be read, or its directory is missing.
        """
        return await asyncio.to_thread(self._read)

    async def put(self, text: str) -> None:
        """Replace the file; durable when this returns.

        Raises:
            OutsideUnreachableError: it cannot be written.
        """
        await asyncio.to_thread(self._write, text)

    async def close(self) -> None:
        """Do nothing."""

    def _read(self) -> str | None:
        try:
            if not self._path.parent.is_dir():
                raise OutsideUnreachableError("no such directory")
            with self._path.open("rb") as file:
                return file.read(BYTES_MAX).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutsideUnreachableError(type(error).__name__) from error

    def _write(self, text: str) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise OutsideUnreachableError(type(error).__name__) from error
