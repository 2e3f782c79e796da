"""A stand-in for the tax authority: `python -m api.sandbox.tax SOCKET FILE`.

It books every order, and collects and reports nothing. SOCKET is `fd=` and the number of an
inherited listening socket, or a port of this machine. FILE keeps the orders, with a digest in the
place of the person. The process ends when its standard input ends. A test chooses how it behaves:
`POST /behaviour {"now": WORD}`.
"""

import asyncio
import hashlib
import json
import socket
import sys
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fastapi import FastAPI, Response

from api.sandbox.serving import serve

SLOW_S, LATE_S = 0.2, 10.0
"""A slow answer is still in time; a late one is not."""
Order = dict[str, Any]


class Behaviour(NamedTuple):
    """What it does, why it refuses, and which members of its answer are false."""

    means: str
    refuses_charge: str | None = None
    refuses_reversal: str | None = None
    altered: Order | None = None


BEHAVIOURS = {
    "normal": Behaviour("books, and answers"),
    "slow": Behaviour("books, and answers a little later"),
    "duplicate": Behaviour("refuses: the premium was paid elsewhere", refuses_charge="DUPLICATE"),
    "refused": Behaviour("refuses for a reason of its own", refuses_charge="ARREARS"),
    "late": Behaviour("books, and answers after the client's timeout"),
    "lost": Behaviour("books nothing, and answers after the client's timeout"),
    "pending": Behaviour("books, and answers that it is undecided", altered={"result": "pending"}),
    "garbled": Behaviour("books, and answers what cannot be read"),
    "wrong_amount": Behaviour("books, and answers another amount", altered={"amount": "0.01"}),
    "wrong_payee": Behaviour(
        "books, and answers another person", altered={"cert_no": "SOMEBODY-ELSE"}
    ),
    "down": Behaviour("fails"),
    "benefit_used": Behaviour(
        "returns nothing: benefits were used", refuses_reversal="BENEFIT_USED"
    ),
    "cleared": Behaviour("returns nothing: the payment is cleared", refuses_reversal="CLEARED"),
}


class TaxBooks:
    """The outcome of every order by its id; `behaviour` is how the next request is answered."""

    def __init__(self, path: Path | None = None, late_s: float = LATE_S) -> None:
        self.behaviour = "normal"
        self.orders: dict[str, Order] = {}
        self.booked = 0
        self.late_s = late_s
        self._path = path
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self.orders[entry["order"]] = entry

    def charge(self, order: Order) -> Order:
        """Book an order once."""
        entry = self.orders.get(order["order"])
        if entry is None:
            reason = BEHAVIOURS[self.behaviour].refuses_charge
            self.booked += reason is None
            receipt = None if reason else f"STAND-IN-{len(self.orders) + 1}"
            result = "refused" if reason else "confirmed"
            entry = self._write(order, {"result": result, "reason": reason, "receipt": receipt})
        return _answer(order, entry)

    def query(self, order: Order) -> Order:
        """The outcome of an order."""
        entry = self.orders.get(order["order"])
        return order | {"result": "not_found"} if entry is None else _answer(order, entry)

    def reverse(self, order: Order) -> Order:
        """Return the money of an order once."""
        entry = self.orders.get(order["order"])
        if entry is None:
            return order | {"result": "not_found"}
        if entry["result"] == "reversed" or not _is_of(entry, order):
            return _answer(order, entry)
        reason = BEHAVIOURS[self.behaviour].refuses_reversal
        if reason is not None or entry["result"] != "confirmed":
            return order | {"result": "refused", "reason": reason or "NOT_BOOKED"}
        self.booked -= 1
        return _answer(order, self._write(order, entry | {"result": "reversed"}))

    def _write(self, order: Order, outcome: Order) -> Order:
        members = {"order": order["order"], "amount": order["amount"], "whose": _whose(order)}
        entry = self.orders[order["order"]] = outcome | members
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        return entry


def _answer(order: Order, entry: Order) -> Order:
    if not _is_of(entry, order):
        return order | {"result": "refused", "reason": "OTHER_ORDER"}
    return order | {name: entry[name] for name in ("result", "reason", "receipt")}


def _is_of(entry: Order, order: Order) -> bool:
    """Whether an entry has the same person and amount as an order."""
    return bool((entry["whose"], entry["amount"]) == (_whose(order), order["amount"]))


def _whose(order: Order) -> str:
    return hashlib.sha256(f"{order['order']}\0{order['cert_no']}".encode()).hexdigest()


def create_sandbox(books: TaxBooks) -> FastAPI:
    """The tax authority with these books, as an application."""
    app = FastAPI(title="Tax authority, a stand-in")
    operations = {"charges": books.charge, "queries": books.query, "reversals": books.reverse}

    @app.post("/behaviour")
    async def behaviour(wanted: dict[str, str]) -> dict[str, str]:
        books.behaviour = wanted["now"]
        return {"now": books.behaviour, "means": BEHAVIOURS[books.behaviour].means}

    @app.post("/{operation}")
    async def carry_out(
        operation: Literal["charges", "queries", "reversals"], order: Order
    ) -> Response:
        word = books.behaviour
        if word == "down":
            return Response(status_code=500)
        if word == "lost":
            await asyncio.sleep(books.late_s)
            return Response(status_code=504)
        answer = operations[operation](order) | (BEHAVIOURS[word].altered or {})
        if word in {"slow", "late"}:
            await asyncio.sleep(SLOW_S if word == "slow" else books.late_s)
        if word == "garbled":
            return Response("<html>", media_type="text/html")
        return Response(json.dumps(answer), media_type="application/json")

    return app


def main(arguments: list[str]) -> None:
    """Serve on this machine alone, until standard input ends."""
    where, path = arguments
    if where.startswith("fd="):
        listening = socket.socket(fileno=int(where.removeprefix("fd=")))
    else:
        listening = socket.create_server(("127.0.0.1", int(where)))
    serve(create_sandbox(TaxBooks(Path(path))), listening)


if __name__ == "__main__":
    main(sys.argv[1:])
