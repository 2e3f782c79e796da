"""A wire to PostgreSQL that breaks when it is told to.

A proxy on a Unix socket that frames the messages of protocol version 3. It knows a call of the
database function `append`, a COMMIT, and a reading of heads inside a transaction when they
pass, does to the next one what it was told, and counts requests to cancel. It also knows each
connection by its `application_name`, and lets a trouble last on the connections of some names.
"""

import asyncio
import contextlib
import struct
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

CANCEL_REQUEST = 80877102
SOCKET = ".s.PGSQL.5432"
KINDS = {b" append(": "append", b" FROM heads ": "locked read"}
"""Kinds of calls by what their statement contains."""


class Fault(Enum):
    """What happens to a call."""

    NONE = "it passes"
    CUT_BEFORE = "the connection is dropped before the call is sent on"
    CUT_AFTER = "the call is sent on and answered; the connection is dropped before the answer"
    LATE = "the answer is kept until `let_go`"
    SWALLOWED = "neither call nor answer passes until `let_go`, then the connection is dropped"


class Trouble(Enum):
    """What lasts on a connection until the wire is mended."""

    CUT = "it is dropped"
    HELD = "nothing passes either way, and nothing is lost: it passes later"
    HALF_OPEN = "the server's end is dropped, and the client hears nothing of it"
    SLOW = "every message of the client comes late"


SLOW_S = 0.02
"""How late a message comes on a slow connection, in seconds."""


class Wire:
    """The proxy. `calls` counts what passed by its kind; `faults` says what befalls the next."""

    def __init__(self, upstream: Path) -> None:
        """Stand in front of a server's socket."""
        self._upstream = upstream
        self._lines: set[_Line] = set()
        self._go = asyncio.Event()
        self.is_parted = False
        self.mended = asyncio.Event()
        self.names: Counter[str] = Counter()
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.calls: Counter[str] = Counter()
        self.cancels = 0
        self.struck = asyncio.Event()

    def befall(self, *faults: Fault, kind: str = "append") -> None:
        """Let these befall the next calls of a kind, one each."""
        self._go.clear()
        self.struck.clear()
        self.faults[kind].extend(faults)

    def trouble(self, trouble: Trouble, *names: str) -> None:
        """Let a trouble last on the connections that these applications have now; on all by none.

        Connections that are made later are whole.
        """
        self.mended.clear()
        for line in list(self._lines):
            if not names or line.name in names:
                line.suffer(trouble)

    def part(self) -> None:
        """Part the network: whatever is connected, and whoever connects from now on, is held."""
        self.trouble(Trouble.HELD)
        self.is_parted = True

    def mend(self) -> None:
        """End every trouble; what was held goes on."""
        self.is_parted = False
        self.mended.set()
        for line in list(self._lines):
            line.mend()

    def let_go(self) -> None:
        """Let what is kept back go on."""
        self._go.set()

    async def gone_on(self) -> None:
        """Wait until `let_go`."""
        await self._go.wait()

    def fault_of(self, kind: str) -> Fault:
        """Count a call, and say what befalls it."""
        self.calls[kind] += 1
        waiting = self.faults[kind]
        fault = waiting.popleft() if waiting else Fault.NONE
        if fault is not Fault.NONE:
            self.struck.set()
        return fault

    async def serve(
        self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection until either side ends it."""
        server_reader, server_writer = await asyncio.open_unix_connection(self._upstream)
        line = _Line(self, client_writer, server_writer)
        self._lines.add(line)
        try:
            up = asyncio.create_task(line.carry_up(client_reader))
            down = asyncio.create_task(line.carry_down(server_reader))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        finally:
            line.drop()
            self._lines.discard(line)

    async def drop_all(self) -> None:
        """Drop every connection, and wait until none is carried any more."""
        self.let_go()
        self.mended.set()
        while self._lines:
            for line in list(self._lines):
                line.mend()
                line.drop()
            await asyncio.sleep(0)


class _Line:
    """One connection through the wire."""

    def __init__(
        self, wire: Wire, client: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._kinds: dict[bytes, str] = {}
        self._is_in_transaction = False
        self._fault = Fault.NONE
        self._trouble: Trouble | None = None
        self._passable = asyncio.Event()
        self._passable.set()
        self.name = ""

    def suffer(self, trouble: Trouble) -> None:
        """Let a trouble last on this connection."""
        self._trouble = trouble
        if trouble is Trouble.CUT:
            self.drop()
        elif trouble is Trouble.HALF_OPEN:
            self._passable.clear()
            self._server.transport.abort()
        elif trouble is Trouble.HELD:
            self._passable.clear()

    def mend(self) -> None:
        """Let messages pass again; what has lost its server is dropped."""
        if self._trouble is Trouble.HALF_OPEN:
            self.drop()
        self._trouble = None
        self._passable.set()

    async def carry_up(self, reader: asyncio.StreamReader) -> None:
        """Carry what the client sends, and do to its calls what was told."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await self._begin(reader)
            while True:
                head = await reader.readexactly(5)
                body = await reader.readexactly(struct.unpack(">xI", head)[0] - 4)
                kind = self._kind_of(head[:1], body)
                if kind is not None and not await self._strike(self._wire.fault_of(kind)):
                    return
                if self._trouble is Trouble.SLOW:
                    await asyncio.sleep(SLOW_S)
                await self._passable.wait()
                self._server.write(head + body)
                await self._server.drain()

    async def _begin(self, reader: asyncio.StreamReader) -> None:
        (size,) = struct.unpack(">I", length := await reader.readexactly(4))
        body = await reader.readexactly(size - 4)
        self._wire.cancels += struct.unpack(">I", body[:4])[0] == CANCEL_REQUEST
        members = body[4:].split(b"\0")
        if b"application_name" in members:
            self.name = members[members.index(b"application_name") + 1].decode()
        self._wire.names[self.name] += 1
        if self._wire.is_parted:
            self.suffer(Trouble.HELD)
            await self._passable.wait()
        self._server.write(length + body)
        await self._server.drain()

    def _kind_of(self, message: bytes, body: bytes) -> str | None:
        """What kind of call a message is, if it is one."""
        match message:
            case b"P":
                name, query, _ = body.split(b"\0", 2)
                for text in filter(query.__contains__, KINDS):
                    self._kinds[name] = KINDS[text]
            case b"B":
                kind = self._kinds.get(body.split(b"\0", 2)[1])
                return None if kind == "locked read" and not self._is_in_transaction else kind
            case b"Q":
                self._is_in_transaction = body.startswith(b"BEGIN")
                return "commit" if body == b"COMMIT\0" else None
            case _:
                pass
        return None

    async def _strike(self, fault: Fault) -> bool:
        """Do to a call what befalls it; whether it is sent on."""
        self._fault = fault
        if fault is Fault.CUT_BEFORE:
            self.drop()
            return False
        if fault is Fault.SWALLOWED:
            await self._wire.gone_on()
            self.drop()
            return False
        return True

    async def carry_down(self, reader: asyncio.StreamReader) -> None:
        """Carry what the server answers, or keep it back."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readexactly(5)
                body = await reader.readexactly(struct.unpack(">xI", head)[0] - 4)
                if self._fault is Fault.CUT_AFTER:
                    if head[:1] == b"Z":  # ready again: what was called is done
                        self.drop()
                        return
                    continue
                if self._fault is Fault.LATE:
                    await self._wire.gone_on()
                    self._fault = Fault.NONE
                await self._passable.wait()
                self._client.write(head + body)
                await self._client.drain()
        if self._trouble is Trouble.HALF_OPEN:
            await self._wire.mended.wait()

    def drop(self) -> None:
        """Drop both ends without a word."""
        self._client.transport.abort()
        self._server.transport.abort()


@asynccontextmanager
async def a_wire(dsn: str, place: Path) -> "AsyncIterator[tuple[Wire, str]]":
    """A wire in front of a server on a Unix socket, and the DSN that leads through it."""
    parts = urlsplit(dsn)
    upstream = Path(parse_qs(parts.query)["host"][0])
    wire = Wire(upstream / SOCKET)
    server = await asyncio.start_unix_server(wire.serve, place / SOCKET)
    through = dsn.replace(quote(str(upstream)), quote(str(place)))
    assert through != dsn, "the wire leads another way"
    try:
        yield wire, through
    finally:
        server.close()
        await wire.drop_all()
        await server.wait_closed()
