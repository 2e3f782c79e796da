"""Answers a message, from whatever path it came. Every answer is for HTTP 200."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

from aggregates.vocabulary import SignatureStyle
from api.his.forwarding import Arrival, forward
from api.his.recording import (
    look_at_head,
    look_at_input,
    look_at_signature,
    record,
    record_unsigned,
)
from api.his.transactions.registry import FILES, HANDLERS, PASSED_ON, REGISTER
from api.his.wire.access_token import token_subject
from api.his.wire.call import Call, FailedError
from api.his.wire.envelope import Failed, RequestHead, bad_bytes, good_bytes, read_envelope
from api.his.wire.field_tables import TRANSACTIONS
from api.his.wire.findings import Found, Note
from api.his.wire.multipart import read_form, with_file
from api.his.wire.reading import read_input
from api.his.wire.sealed import keys_of, message_of, read_sealed, seal_answer, sender_of
from api.his.wire.signatures import Guard, signed_at
from api.http.dependencies import Api
from api.http.problems import ProblemError, problem_of
from api.http.rate_limit_middleware import too_many
from api.http.texts import PROBLEM_TEXTS
from service.adapters.fsi_centre import Centres
from service.caller import Caller
from service.clock import machine_now, monotonic_s, new_trace
from service.his.institution_terms import Terms, TermsBook
from service.his.nonces import Nonces
from service.ledger.store import OutcomeUnknownError
from service.request_context import MESSAGE, came_as, refused
from service.visit.bill_facts import Dialect

LOG = logging.getLogger("gongji.api")
JSON = "application/json;charset=UTF-8"
BYTES = "application/octet-stream"

ReadBody = Callable[[], Awaitable[bytes]]
Seal = Callable[[bytes, float], Awaitable[bytes]]


class ExchangeReply(NamedTuple):
    """An answer's bytes and content type, and whether it is a stored answer sent again.

    `status` is 200 but for an answer that a centre gave.
    """

    body: bytes
    kind: str = JSON
    is_replayed: bool = False
    status: int = 200


class ReadHead(Protocol):
    """Reads the head of a message; what it tolerates goes to `note`."""

    def __call__(self, raw: bytes, /, *, note: Note) -> RequestHead:
        """Read it."""
        ...


class ReadHeadAt(Protocol):
    """As `ReadHead`, of a message that came at a time."""

    def __call__(self, raw: bytes, /, *, came_at: datetime, note: Note) -> RequestHead:
        """Read it."""
        ...


@dataclass(slots=True)
class Turn:
    """What is known of a message while it is answered; `seal` closes the answer to it.

    `is_known` says that it comes from a designated institution; `refusal` is a code and a field.
    """

    found: Found = field(default_factory=Found)
    head: RequestHead | None = None
    seal: Seal | None = None
    is_known: bool = False
    refusal: tuple[str, str] = ("", "")


class Exchange:
    """Answers messages on a running service."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._terms = TermsBook(api.context)
        self._guard = Guard(api.tokens, Nonces(api.read_models.pool), api.context.vault)

    async def answer(self, read: ReadBody, arrival: Arrival) -> ExchangeReply:
        """A message's answer. Raises nothing."""

        def head_of(raw: bytes, *, came_at: datetime, note: Note) -> RequestHead:
            form = read_form(arrival.headers.get("content-type", ""), raw)
            if form is None:
                return read_envelope(raw, came_at, note)
            head = read_envelope(form.message, came_at)
            return head._replace(input=with_file(head.input, form.file))

        return await self._answer(read, head_of, arrival)

    async def answer_download(self, query: Mapping[str, str], arrival: Arrival) -> ExchangeReply:
        """The file of a GET, as 9102 answers it. A signature over the body is over no bytes.

        The query names the file in `file_qury_no`, and the institution in `fixmedins_code` unless
        its signature does.
        """

        async def nothing() -> bytes:
            return b""

        def head_of(_: bytes, *, came_at: datetime, note: Note) -> RequestHead:
            del note  # the query has no form of its own
            code = query.get("fixmedins_code") or self._named(arrival.headers)
            sent = {"infno": "9102", "msgid": "GET", "fixmedins_code": code}
            told = json.dumps(sent | {"input": {"fsDownloadIn": query}}).encode()
            return read_envelope(told, came_at)

        return await self._answer(nothing, head_of, arrival)

    def _named(self, headers: Mapping[str, str]) -> str:
        """The institution that a signature names; empty if it names none."""
        if "x-ca-key" in headers:
            return headers["x-ca-key"]
        if subject := token_subject(headers.get("authorization")):
            return subject
        try:
            return self._api.tokens.caller(headers.get("authorization")).subject
        except ProblemError:
            return ""

    async def _answer(self, read: ReadBody, head_of: ReadHeadAt, arrival: Arrival) -> ExchangeReply:
        came_at, turn = machine_now(), Turn()
        try:
            reply = await self._take(turn, read, partial(head_of, came_at=came_at), arrival)
        except FailedError as error:
            reply = _refusal(turn.head, error.failed, came_at)
        except Exception as error:  # noqa: BLE001 -- the one place that turns any error into -1
            failed = _failed(error)
            turn.refusal = (failed.code, str(failed.fields.get("field", "")))
            reply = _refusal(turn.head, failed, came_at)
        if turn.head is not None and turn.is_known:
            record(self._api.findings, turn.head, turn.found, turn.refusal, came_at)
        return reply if turn.seal is None else await _sealed(turn.seal, reply)

    async def _take(
        self, turn: Turn, read: ReadBody, head_of: ReadHead, arrival: Arrival
    ) -> ExchangeReply:
        """Authenticate and answer a message; `turn` has what was known when an error is raised."""
        raw, note = await read(), turn.found.note
        envelope = read_sealed(raw)
        if envelope is None:
            turn.head = head_of(raw, note=note)
        code = sender_of(envelope or {}) if turn.head is None else turn.head.institution
        terms = await self._terms.of(code)
        caller = await self._authenticate(code, terms, raw, arrival)
        if envelope is not None and terms.style is SignatureStyle.SM4:
            keys = keys_of(terms)
            turn.seal = partial(seal_answer, keys, self._api.context.vault, envelope)
            raw = message_of(keys, envelope)
        if turn.head is None:
            turn.head = _of_sender(head_of(raw, note=note), code)
        turn.is_known = terms.region != ""
        look_at_head(turn.head, self._api.context.clock().at, note)
        signed_s = signed_at(terms.style, arrival.headers, envelope)
        look_at_signature(signed_s, machine_now().timestamp(), note)
        came_as(caller, f"{MESSAGE}{turn.head.infno}")
        return await self._act(turn, caller, terms, arrival, raw)

    async def _act(
        self, turn: Turn, caller: Caller, terms: Terms, arrival: Arrival, raw: bytes
    ) -> ExchangeReply:
        """Answer a message here, or let the region's centre answer it."""
        head = turn.head
        assert head is not None, "an authenticated message has one"
        has_centre = self._centres.of(terms.region) is not None
        is_theirs = has_centre and head.infno in REGISTER
        if is_theirs or head.infno not in TRANSACTIONS:
            return await self._forward(head, terms, arrival, raw)
        try:
            reply = await self._carry_out(head, caller, terms.dialect, turn.found.note)
        except Exception as error:
            may_be_theirs = has_centre and terms.is_in_force and head.infno in (*FILES, *PASSED_ON)
            if not may_be_theirs or problem_of(error)[0] != "NOT_FOUND":
                raise
            return await self._forward(head, terms, arrival, raw)  # its file, or a bill of its own
        if has_centre and head.infno in PASSED_ON:
            return await self._forward(head, terms, arrival, raw)
        return reply

    @property
    def _centres(self) -> Centres:
        return self._api.context.centres

    async def _forward(
        self, head: RequestHead, terms: Terms, arrival: Arrival, raw: bytes
    ) -> ExchangeReply:
        told = await forward(self._centres, head, terms, arrival, raw)
        return ExchangeReply(told.body, told.kind or BYTES, status=told.status)

    async def _authenticate(self, code: str, terms: Terms, raw: bytes, arrival: Arrival) -> Caller:
        """The sender. The rate limit comes before the check, so that nobody can guess a secret.

        Failures count by address and named institution, so that nobody can lock out another
        institution. A valid token is accepted from any address.

        Raises:
            ProblemError: RATE_LIMITED; the rest as `Guard.check`.
        """
        limits, now_s = self._api.limits, monotonic_s()
        origin = (arrival.address, code)
        wait_s = limits.wait_at(origin, now_s)
        if wait_s and terms.style is not None:
            raise too_many(wait_s, "address")
        try:
            now = machine_now().timestamp()
            caller = await self._guard.check(code, terms, arrival.headers, raw, now)
        except ProblemError as error:
            limits.charge_address(origin, [error.code], now_s)
            record_unsigned(self._api.findings, code, terms, error.code, machine_now())
            raise too_many(wait_s, "address") if wait_s else error from None
        if wait_s := limits.wait_of(caller, now_s):
            raise too_many(wait_s, "caller")
        return caller

    async def _carry_out(
        self, head: RequestHead, caller: Caller, dialect: Dialect, note: Note
    ) -> ExchangeReply:
        transaction = TRANSACTIONS[head.infno]
        sent = read_input(transaction, head.input, self._api.context.clock().on, note)
        look_at_input(transaction, sent, dialect, note)
        call = Call(self._api, caller, head, transaction, sent, dialect)
        try:
            if head.infno in FILES:
                return ExchangeReply(await FILES[head.infno](call), BYTES)
            answered = await HANDLERS[head.infno](call)
        except Exception as error:
            code = error.failed.code if isinstance(error, FailedError) else problem_of(error)[0]
            self._api.limits.charge(caller, {code: 1}, monotonic_s())
            raise
        answer = good_bytes(head, answered, machine_now())
        return ExchangeReply(answer, is_replayed=answered.is_replayed)


def _of_sender(head: RequestHead, code: str) -> RequestHead:
    """The head of a message, if it names the institution that its envelope does."""
    if head.institution != code:
        raise ProblemError("SIGNATURE_INVALID")
    return head


def _refusal(head: RequestHead | None, failed: Failed, came_at: datetime) -> ExchangeReply:
    answer = bad_bytes(head, failed, came_at, machine_now())
    return ExchangeReply(answer, is_replayed=failed.is_replayed)


async def _sealed(seal: Seal, reply: ExchangeReply) -> ExchangeReply:
    """An answer in its message's envelope; a file, and what is no message, go as they are."""
    try:
        return reply._replace(body=await seal(reply.body, machine_now().timestamp()), kind=JSON)
    except (ValueError, KeyError, TypeError):
        return reply


def unrecorded() -> bytes:
    """The answer in place of one whose access could not be recorded: it may have been applied."""
    now = machine_now()
    return bad_bytes(None, _failed(OutcomeUnknownError()), now, now)


def _failed(error: Exception) -> Failed:
    """An error as a refusal; a bug is logged without the body."""
    code, outcome, fields = problem_of(error)
    refused(code)
    if PROBLEM_TEXTS[code].status == 500:  # noqa: PLR2004 -- a bug of ours
        LOG.error("%s %s", code, new_trace(), exc_info=error)
    facts: dict[str, Any] = dict(fields)
    errors = facts.pop("errors", None)
    if errors and "field" not in facts:
        facts["field"] = errors[0]["field"]
    return Failed(code, outcome, facts)
