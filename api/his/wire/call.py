"""A transaction's request as its handler takes it, and its answer."""

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
from service.context import ServiceContext
from service.ledger.command import Reply
from service.visit.bill_facts import Dialect


class Call(NamedTuple):
    """A request for a transaction, with its input typed by the field tables."""

    api: Api
    caller: Caller
    head: RequestHead
    transaction: Transaction
    input: dict[str, Any]
    dialect: Dialect

    @property
    def context(self) -> ServiceContext:
        """What the use cases work on."""
        return self.api.context

    @property
    def first(self) -> Values:
        """The input's first node."""
        values: Values = self.input[self.transaction.takes[0].name]
        return values

    def request(self) -> Request:
        """The request as the service takes it; its digest covers the number and the input."""
        key = f"fsi:{self.head.infno}:{self.head.msgid}"
        canonical = json.dumps(self.input, sort_keys=True, default=str)
        digest = hashlib.sha256(f"{self.head.infno}\0{canonical}".encode()).digest()
        return Request(self.caller, key, digest, "fsi")

    def answer(self, output: Output, reply: Reply | None = None) -> Answered:
        """The output in the institution's style.

        Raises:
            FailedError: a rule refused the request.
        """
        style = Style(self.dialect.numbers, self.head.is_gbk, self.dialect.nulls)
        if reply is None:
            return Answered(write_output(self.transaction, output, style))
        check_reply(reply)
        written = write_output(self.transaction, output, style)
        return Answered(written, reply.position, reply.is_replayed)


class FailedError(Exception):
    """A refused transaction."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.code)
        self.failed = failed


Handler = Callable[[Call], Awaitable[Answered]]


def check_reply(reply: Reply) -> Reply:
    """The reply, if it is no refusal.

    Raises:
        FailedError: a rule refused the request; that is final for the message.
    """
    if reply.refusal is None:
        return reply
    fields = json.loads(reply.answer)
    raise FailedError(Failed(reply.refusal, "not_applied", fields, reply.is_replayed))
