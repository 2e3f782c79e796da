"""A stand-in for a region's centre: `python -m api.sandbox.centre PORT`.

It answers every message of the national protocol, and does nothing. It forgets all of them when
it ends, which it does when its standard input ends. A test chooses how it behaves:
`POST /behaviour {"now": WORD}`.
"""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from api.sandbox.serving import serve

SLOW_S, DROP_S = 0.2, 0.02
"""A slow answer is still in time; a drop of a dripping one comes every so often."""
HUGE = 9 * 1_048_576
JSON = "application/json;charset=UTF-8"
BEHAVIOURS = {
    "normal": "answers",
    "refuses": "answers infcode -1",
    "slow": "answers a little later",
    "hang": "takes the message, and does not answer until it behaves otherwise",
    "drip": "answers for ever, a byte at a time",
    "breaks": "ends the connection in the middle of its answer",
    "down": "fails with a page of HTML",
    "unwell": "fails with HTTP 500 and infcode -1",
    "garbled": "answers what cannot be read",
    "other_infno": "answers another transaction",
    "other_msgid": "answers another message",
    "no_infcode": "answers without saying whether it succeeded",
    "huge": "answers more than anybody reads",
    "packed": "answers bytes that are said to be compressed",
    "wrong_type": "answers JSON, and calls it HTML",
    "file": "answers a file",
}


class Received(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class CentreDesk:
    """What came, and how the next request is answered."""

    def __init__(self) -> None:
        self.behaviour = "normal"
        self.received: list[Received] = []
        self.changed = asyncio.Event()
        self._arrived = asyncio.Event()

    def receive(self, request: Received) -> None:
        """Keep a request."""
        self.received.append(request)
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def have(self, count: int) -> None:
        """Wait until so many requests have come."""
        while len(self.received) < count:
            await self._arrived.wait()

    def behave(self, word: str) -> str:
        """Behave like this from now on; returns what that means."""
        self.behaviour, meaning = word, BEHAVIOURS[word]
        self.changed.set()
        self.changed = asyncio.Event()
        return meaning


def create_centre(desk: CentreDesk) -> FastAPI:
    """The centre with this desk, as an application."""
    app = FastAPI(title="Centre, a stand-in")

    @app.post("/behaviour")
    async def behaviour(wanted: dict[str, str]) -> dict[str, str]:
        return {"now": wanted["now"], "means": desk.behave(wanted["now"])}

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(request: Request) -> Response:
        raw = await request.body()
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        desk.receive(Received(request.method, path, dict(request.headers), raw))
        return await _answer(desk, raw)

    return app


async def _answer(desk: CentreDesk, raw: bytes) -> Response:
    word, told = desk.behaviour, _told(raw)
    match word:
        case "hang":
            await desk.changed.wait()
        case "slow":
            await asyncio.sleep(SLOW_S)
        case "drip":
            return StreamingResponse(_drops(desk), media_type=JSON)
        case "breaks":
            return Response(b'{"infcode":', headers={"content-length": "100"}, media_type=JSON)
        case "down" | "garbled":
            return Response("<html>", 503 if word == "down" else 200, media_type="text/html")
        case "file":
            return Response(b"PK\x03\x04", media_type="application/octet-stream")
        case _:
            pass
    changes: dict[str, dict[str, Any]] = {
        "refuses": {"infcode": -1, "err_msg": "不予办理", "output": None},
        "unwell": {"infcode": -1},
        "other_infno": {"infno": "9999"},
        "other_msgid": {"msgid": "SOMEBODY-ELSE-S"},
        "huge": {"output": "x" * HUGE},
    }
    told |= changes.get(word, {})
    if word == "no_infcode":
        del told["infcode"]
    headers = {"content-encoding": "gzip"} if word == "packed" else None
    kind = "text/html" if word == "wrong_type" else JSON
    body = json.dumps(told, ensure_ascii=False).encode()
    return Response(body, 500 if word == "unwell" else 200, headers, kind)


def _told(raw: bytes) -> dict[str, Any]:
    """An ordinary answer."""
    try:
        asked = json.loads(raw.decode("gb18030", "replace"))
    except ValueError:
        asked = {}
    place = str(asked.get("mdtrtarea_admvs", "000000"))
    return {
        "infcode": 0,
        "inf_refmsgid": f"{place}20260302101500{1:010d}",
        "refmsg_time": "20260302101500000",
        "respond_time": "20260302101500020",
        "err_msg": "",
        "warn_msg": None,
        "output": {"infno": asked.get("infno")},
    }


async def _drops(desk: CentreDesk) -> AsyncIterator[bytes]:
    while desk.behaviour == "drip":
        yield b" "
        await asyncio.sleep(DROP_S)


def main(arguments: list[str]) -> None:
    """Serve until the standard input ends."""
    (port,) = arguments
    with contextlib.suppress(KeyboardInterrupt):
        serve(create_centre(CentreDesk()), socket.create_server(("127.0.0.1", int(port))))


if __name__ == "__main__":
    main(sys.argv[1:])
