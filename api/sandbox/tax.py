"""A stand-in for the tax side: `python -m api.sandbox.tax SOCKET FILE`.

It books every order, collects nothing, and tells nobody. SOCKET is the number of an inherited
listening socket, or a port of this machine; FILE keeps the books, without whose they are.
It ends with its standard input. `POST /behaviour {"now": WORD}` makes it behave for a test.
"""

import asyncio
import hashlib
import json
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

SLOW_S, LATE_S = 0.2, 10.0
"""Slow is still in time; late is not."""
BEHAVIOURS = {
    "normal": "books, and answers",
    "slow": "books, and answers a little later",
    "duplicate": "says that the premium was paid elsewhere already",
    "refused": "says no for a reason of its own",
    "late": "books, and answers when nobody listens any more",
    "lost": "books nothing and answers when nobody listens any more",
    "pending": "books, and says that it has not decided",
    "garbled": "books, and answers what is no answer",
    "wrong_amount": "books, and answers for another amount",
    "wrong_payee": "books, and answers for somebody else",
    "down": "fails",
    "benefit_used": "gives nothing back: benefits were drawn",
    "cleared": "gives nothing back: the payment is cleared",
}
REFUSES = {"duplicate": "DUPLICATE", "refused": "ARREARS"}
LIES: dict[str, dict[str, Any]] = {
    "pending": {"result": "pending"},
    "wrong_amount": {"amount": "0.01"},
    "wrong_payee": {"cert_no": "SOMEBODY-ELSE"},
}
KEEPS = {"benefit_used": "BENEFIT_USED", "cleared": "CLEARED"}


class Books:
    """What became of every order, by its id; `behaviour` is what the next request meets."""

    def __init__(self, path: Path | None = None, late_s: float = LATE_S) -> None:
        """Open the books of a file, or begin new ones that nobody keeps."""
        self.behaviour = "normal"
        self.orders: dict[str, dict[str, Any]] = {}
        self.booked = 0
        self.late_s = late_s
        self._path = path
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                kept = json.loads(line)
                self.orders[kept["order"]] = kept

    def charge(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Book an order once."""
        known = self.orders.get(asked["order"])
        if known is None:
            reason = REFUSES.get(self.behaviour)
            self.booked += reason is None
            receipt = None if reason else f"STAND-IN-{len(self.orders) + 1}"
            result = "refused" if reason else "confirmed"
            known = self._keep(asked, {"result": result, "reason": reason, "receipt": receipt})
        return self._told(asked, known)

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What became of an order."""
        known = self.orders.get(asked["order"])
        return asked | {"result": "not_found"} if known is None else self._told(asked, known)

    def reverse(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Give an order back once."""
        known = self.orders.get(asked["order"])
        if known is None:
            return asked | {"result": "not_found"}
        reason = KEEPS.get(self.behaviour)
        if known["result"] == "reversed" or not _is_of(known, asked):
            return self._told(asked, known)
        if reason is not None or known["result"] != "confirmed":
            return asked | {"result": "refused", "reason": reason or "NOT_BOOKED"}
        self.booked -= 1
        return self._told(asked, self._keep(asked, known | {"result": "reversed"}))

    def _keep(self, asked: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
        """Write an order down: whose it is only as a digest under its own id."""
        named = {"order": asked["order"], "amount": asked["amount"], "whose": _whose(asked)}
        kept = self.orders[asked["order"]] = outcome | named
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept) + "\n")
        return kept

    def _told(self, asked: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
        if not _is_of(kept, asked):
            return asked | {"result": "refused", "reason": "OTHER_ORDER"}
        return asked | {name: kept[name] for name in ("result", "reason", "receipt")}


def _is_of(kept: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether an order that is kept is the one that is asked about, person and amount."""
    return bool((kept["whose"], kept["amount"]) == (_whose(asked), asked["amount"]))


def _whose(asked: dict[str, Any]) -> str:
    return hashlib.sha256(f"{asked['order']}\0{asked['cert_no']}".encode()).hexdigest()


def create_sandbox(books: Books) -> FastAPI:
    """The tax side of these books."""
    app = FastAPI(title="Tax side, a stand-in")

    @app.post("/charges")
    async def charges(asked: dict[str, Any]) -> Response:
        """Book an order."""
        return await _answered(books, books.charge, asked)

    @app.post("/queries")
    async def queries(asked: dict[str, Any]) -> Response:
        """Say what became of an order."""
        return await _answered(books, books.query, asked)

    @app.post("/reversals")
    async def reversals(asked: dict[str, Any]) -> Response:
        """Give an order back."""
        return await _answered(books, books.reverse, asked)

    @app.post("/behaviour")
    async def behaviour(wanted: dict[str, str]) -> dict[str, str]:
        """Behave like this from now on."""
        books.behaviour = wanted["now"]
        return {"now": books.behaviour, "means": BEHAVIOURS[books.behaviour]}

    return app


async def _answered(
    books: Books, operation: Callable[[dict[str, Any]], dict[str, Any]], asked: dict[str, Any]
) -> Response:
    behaviour = books.behaviour
    if behaviour == "down":
        return Response(status_code=500)
    if behaviour == "lost":
        await asyncio.sleep(books.late_s)
        return Response(status_code=504)
    told = operation(asked)
    if behaviour in {"slow", "late"}:
        await asyncio.sleep(SLOW_S if behaviour == "slow" else books.late_s)
    if behaviour == "garbled":
        return Response("<html>", media_type="text/html")
    return Response(json.dumps(told | LIES.get(behaviour, {})), media_type="application/json")


def main(arguments: list[str]) -> None:
    """Serve on this machine alone, until standard input ends."""
    where, path = arguments
    if where.startswith("fd="):
        listening = socket.socket(fileno=int(where.removeprefix("fd=")))
    else:
        listening = socket.create_server(("127.0.0.1", int(where)))
    config = uvicorn.Config(
        create_sandbox(Books(Path(path))),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1:])
