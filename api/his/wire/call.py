"""One transaction on its way: what every handler is given, and what it may raise."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from api.his.wire.envelope import Answered, Failed, RequestHead
from api.his.wire.field_tables import Transaction
from api.his.wire.reading import Values
from api.his.wire.writing import Output, Style, write_output
from api.http.dependencies import Api
from service.caller import Caller, Request
from service.ledger.command import Reply
from service.visit.bill_facts import Dialect


class Call(NamedTuple):
    """A transaction that was asked for, its input typed."""

    api: Api
    caller: Caller
    envelope: RequestHead
    transaction: Transaction
    input: dict[str, Any]
    dialect: Dialect

    @property
    def first(self) -> Values:
        """The input's first node."""
        values: Values = self.input[self.transaction.takes[0].name]
        return values

    def request(self) -> Request:
        """The call as a request that uses up its key, with the digest of its input alone."""
        key = f"fsi:{self.envelope.infno}:{self.envelope.msgid}"
        canonical = json.dumps(self.input, sort_keys=True, default=str)
        digest = hashlib.sha256(f"{self.envelope.infno}\0{canonical}".encode()).digest()
        return Request(self.caller, key, digest, "fsi")

    def answer(self, output: Output, reply: Reply | None = None) -> Answered:
        """The output in the institution's style."""
        style = Style(numbers=self.dialect.numbers, ascii=self.envelope.is_gbk)
        written = write_output(self.transaction, output, style)
        if reply is None:
            return Answered(written)
        return Answered(written, reply.position, reply.is_replayed)


class FailedError(Exception):
    """A transaction that is refused."""

    def __init__(self, failed: Failed) -> None:
        """Keep why."""
        super().__init__(failed.code)
        self.failed = failed


Handler = Callable[[Call], Awaitable[Answered]]


def check_reply(reply: Reply) -> Reply:
    """A reply that applied something.

    Raises:
        FailedError: a rule refused it; that is final for the message.
    """
    if reply.refusal is None:
        return reply
    fields = json.loads(reply.answer)
    raise FailedError(Failed(reply.refusal, "not_applied", fields, reply.is_replayed))
