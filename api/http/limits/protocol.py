"""HTTP on a socket with bounds on what an unauthenticated connection may cost.

httptools keeps an unfinished header line in memory and joins it again with every read, so an
endless head costs unbounded memory and quadratic time. uvicorn has no option for that, and none
for a head or a body that stops half-way.
"""

import asyncio
import resource
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, ClassVar

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.http.metrics import count_answer
from api.http.problems import ProblemError, answer_problem

LINGER_S = 1.0
"""Seconds for which a refused connection stays open: closed at once, TCP could drop the answer."""
FILES_OF_OURS = 128
"""Open files that a process needs for database connections, logs and children."""
FIELD_OVERHEAD = 4
"""Bytes of a header line beside its name and value: a colon, a space, CR and LF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bytes and seconds that a client may take.

    `head_bytes` is the most of a request line with its headers, and of anything that is neither
    head nor body (chunk extensions, trailers). `head_s` is for a whole head, `quiet_s` for the
    next bytes of a body, `body_s` for a whole body, `unread_s` for an answer nobody reads.
    `connections` may be open, and `unfinished_bytes` of bodies may wait for their rest.
    """

    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    quiet_s: float = 10.0
    body_s: float = 60.0
    unread_s: float = 60.0
    connections: int = 4096
    unfinished_bytes: int = 256 * 1024 * 1024


@dataclass(slots=True)
class WaitingConnections:
    """The connections of one server that wait for their client, the longest waiting first."""

    idle: "dict[BoundedProtocol, None]" = field(default_factory=dict)
    sending: "dict[BoundedProtocol, None]" = field(default_factory=dict)
    unfinished_bytes: int = 0


class Phase(Enum):
    """What a connection reads next."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, with bounds. Made by `bounded`.

    One timer a connection checks every few seconds whether a bound is passed; a request itself
    only stores times.
    """

    bounds: ClassVar[Bounds]
    crowd: ClassVar[WaitingConnections]

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room if there are too many connections, and start the time for a first head."""
        super().connection_made(transport)
        self._phase = Phase.IDLE
        self._is_refused = False
        self._steps = 0
        self._stray_bytes = 0
        self._body_bytes = 0
        self._began_s = self._moved_s = self.loop.time()
        self._unread_since_s: float | None = None
        self._timer = self.loop.call_later(self.bounds.head_s, self._look)
        self.crowd.idle[self] = None
        if len(self.connections) > self.bounds.connections:
            next(iter(self.crowd.idle)).refuse("OVERLOADED")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the lists."""
        self._timer.cancel()
        self.crowd.idle.pop(self, None)
        self._leave_body()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Parse the data, and count bytes that are neither head nor body."""
        if self._is_refused:
            return
        if self._phase is Phase.IDLE:
            self._begin_head()
        steps = self._steps
        super().data_received(data)
        if steps != self._steps:
            self._stray_bytes = 0
            return
        self._stray_bytes += len(data)
        if self._stray_bytes > self.bounds.head_bytes:
            self.refuse("HEAD_TOO_LARGE")

    @override
    def on_message_begin(self) -> None:
        """A head begins; one that follows in the same read begins here."""
        super().on_message_begin()
        if self._phase is Phase.IDLE:
            self._steps += 1
            self._begin_head()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is dropped, because no check sees it as one."""
        if self._phase is Phase.HEAD:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        """Hand the request on, if its head is not too large."""
        fields = sum(len(name) + len(value) + FIELD_OVERHEAD for name, value in self.headers)
        if self._is_refused or len(self.url) + fields > self.bounds.head_bytes:
            self.refuse("HEAD_TOO_LARGE")
            return
        self._steps += 1
        self._phase = Phase.BODY
        self._began_s = self._moved_s = self.loop.time()
        self.crowd.idle.pop(self, None)
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        """Keep a part of a body; if too much waits, the longest sending connection is closed."""
        if self._is_refused:
            return
        self._steps += 1
        self._moved_s = self.loop.time()
        super().on_body(body)
        if self.cycle.response_complete:
            return  # dropped, and not kept in memory
        crowd = self.crowd
        crowd.sending.setdefault(self)
        self._body_bytes += len(body)
        crowd.unfinished_bytes += len(body)
        if crowd.unfinished_bytes > self.bounds.unfinished_bytes:
            next(iter(crowd.sending)).refuse("OVERLOADED")

    @override
    def on_message_complete(self) -> None:
        """The body is whole; the next byte is another request's."""
        if self._is_refused:
            return
        self._steps += 1
        self._phase = Phase.IDLE
        self._leave_body()
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """Wait for the client again."""
        super().on_response_complete()
        if not self.pipeline:
            self.crowd.idle[self] = None

    @override
    def pause_writing(self) -> None:
        """The client reads slower than we answer."""
        super().pause_writing()
        self._unread_since_s = self.loop.time()

    @override
    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._unread_since_s = None

    def refuse(self, code: str) -> None:
        """Answer with a problem where no answer is under way, and close."""
        if self._is_refused:
            return
        self._is_refused = True
        self.crowd.idle.pop(self, None)
        self._leave_body()
        self.loop.call_later(LINGER_S, self.transport.abort)
        if not self._is_owed() or self.transport.is_closing():
            self.transport.close()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application may still wait for a body
            self.cycle.message_event.set()
        self.flow.pause_reading()
        self.transport.write(_refusal(code))
        self.transport.write_eof()

    def _begin_head(self) -> None:
        self._phase = Phase.HEAD
        self._stray_bytes = 0
        self._began_s = self.loop.time()

    def _leave_body(self) -> None:
        self.crowd.sending.pop(self, None)
        self.crowd.unfinished_bytes -= self._body_bytes
        self._body_bytes = 0

    def _is_owed(self) -> bool:
        """Whether the next answer on this connection is that of the request being received."""
        cycle: RequestResponseCycle | None = self.cycle
        if self._phase is Phase.IDLE or self.pipeline:
            return False
        if self._phase is Phase.HEAD:
            return cycle is None or cycle.response_complete
        return cycle is not None and not cycle.response_started

    def _look(self) -> None:
        """Refuse a connection that has passed a bound; otherwise look again."""
        if self._is_refused or self.transport.is_closing():
            return
        now_s = self.loop.time()
        left_s = self._ends_s(now_s) - now_s
        if left_s <= 0:
            self.refuse("REQUEST_TIMEOUT")
            return
        self._timer = self.loop.call_later(min(left_s, self.bounds.head_s), self._look)

    def _ends_s(self, now_s: float) -> float:
        """The deadline on the loop's clock; uvicorn closes idle connections."""
        bounds = self.bounds
        if self._unread_since_s is not None:
            return self._unread_since_s + bounds.unread_s
        if self._phase is Phase.HEAD or self.cycle is None:
            return self._began_s + bounds.head_s
        if self._phase is Phase.BODY:
            if self.flow.read_paused:  # this process does not read, so the client is not late
                self._began_s = self._moved_s = now_s
            return min(self._moved_s + bounds.quiet_s, self._began_s + bounds.body_s)
        return now_s + bounds.head_s


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol of one server, for `uvicorn.Config(http=…)`."""
    members: dict[str, Any] = {"bounds": bounds, "crowd": WaitingConnections()}
    return type("Bounded", (BoundedProtocol,), members)


def connections_at_most(wanted: int) -> int:
    """The number of connections that this process may open beside its own files, `wanted` at most.

    Raises the process's soft limit of open files as far as that needs.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + FILES_OF_OURS
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, soft - FILES_OF_OURS))


def _refusal(code: str) -> bytes:
    """A problem as the bytes of a whole answer."""
    answer = answer_problem(ProblemError(code), None)
    count_answer("", answer.status_code)
    lines = [STATUS_LINE[answer.status_code]]
    lines += [name + b": " + value + b"\r\n" for name, value in answer.raw_headers]
    return b"".join([*lines, b"connection: close\r\n\r\n", bytes(answer.body)])
