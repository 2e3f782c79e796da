"""Where the newest checkpoint is kept outside the database: one object over HTTP, or one file.

An object store's URL takes `PUT` with the checkpoint's text as body, and `GET` gives it back; 404
says that nothing is kept yet. Whatever else it answers is no answer. A name and a password in the
URL are sent as Basic authorization, and never told.
"""

import asyncio
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

TIMEOUT_S = 3.0
"""How long an answer may take, in seconds; a sealer waits for it between two seals."""
BYTES_MAX = 65_536
"""A checkpoint has a few hundred bytes, and a line for each witness."""
NOT_FOUND = 404


class OutsideUnreachableError(Exception):
    """The place outside did not answer, or not with what can be read."""


class AddressInvalidError(Exception):
    """The address is of no kind that is known."""


class CheckpointStore(Protocol):
    """One object outside."""

    @property
    def name(self) -> str:
        """How it is told to operators."""
        ...

    async def get(self) -> str | None:
        """What is kept there; None where nothing is yet. Raises OutsideUnreachableError."""
        ...

    async def put(self, text: str) -> None:
        """Keep a text there, whole or not at all. Raises OutsideUnreachableError."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


def store_of(url: str) -> CheckpointStore:
    """The place at an address: `http:`, `https:` or `file:`.

    Raises:
        AddressInvalidError: it is none of them.
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
        """Keep it at this address."""
        parts = urlsplit(url)
        where = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self.name = f"{parts.scheme}://{where}{parts.path}"
        self._url = url
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def get(self) -> str | None:
        """What is kept there; None on 404.

        Raises:
            OutsideUnreachableError: another answer, none in time, or one that is too long.
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
        """Keep a text there.

        Raises:
            OutsideUnreachableError: it was not taken, or nobody says whether it was.
        """
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.put(self._url, content=text.encode(), headers=headers)
            answer.raise_for_status()
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutsideUnreachableError(_why(error)) from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


def _why(error: Exception) -> str:
    """What went wrong, without the address: there may be a password in it."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__


class FileStore:
    """A file, on a disk that is not the database's. Its directory must be there."""

    def __init__(self, path: Path) -> None:
        """Keep it in this file."""
        self.name = f"file://{path}"
        self._path = path

    async def get(self) -> str | None:
        """What is in the file; None where there is none.

        Raises:
            OutsideUnreachableError: it cannot be read, or its directory is gone.
        """
        return await asyncio.to_thread(self._read)

    async def put(self, text: str) -> None:
        """Write the file anew, durable when this returns.

        Raises:
            OutsideUnreachableError: it cannot be written.
        """
        await asyncio.to_thread(self._write, text)

    async def close(self) -> None:
        """There is nothing to let go."""

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
        made = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with made.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            made.replace(self._path)
        except OSError as error:
            raise OutsideUnreachableError(type(error).__name__) from error
