"""One message and its answer, whatever door it came by. Every answer is for HTTP 200."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from api.his.transactions.registry import FILES, HANDLERS
from api.his.wire.call import Call, FailedError
from api.his.wire.envelope import Failed, RequestHead, bad_bytes, good_bytes, read_envelope
from api.his.wire.field_tables import TRANSACTIONS
from api.his.wire.multipart import read_form, with_file
from api.his.wire.reading import read_input
from api.his.wire.signatures import Guard
from api.http.dependencies import Api
from api.http.problem_texts import TEXTS
from api.http.problems import ProblemError, problem_of
from api.http.rate_limit_middleware import too_many
from service.caller import Caller
from service.clock import machine_now, monotonic_s, new_trace
from service.his.institution_terms import Terms, TermsBook
from service.his.nonces import Nonces
from service.request_context import MESSAGE, came_as, refused
from service.visit.bill_facts import Dialect

LOG = logging.getLogger("gongji.api")
JSON = "application/json;charset=UTF-8"
BYTES = "application/octet-stream"

ReadBody = Callable[[], Awaitable[bytes]]


class ExchangeReply(NamedTuple):
    """The bytes that go back, what they are, and whether they are an old answer."""

    body: bytes
    kind: str = JSON
    is_replayed: bool = False


class Exchange:
    """Answers messages on a running house."""

    def __init__(self, api: Api) -> None:
        """Answer at this door."""
        self._api = api
        self._terms = TermsBook(api.context)
        self._guard = Guard(api.tokens, Nonces(api.read_models.pool))

    async def answer(
        self, read: ReadBody, headers: Mapping[str, str], address: str
    ) -> ExchangeReply:
        """A message's answer; `headers` are named in lower case. Nothing is ever raised."""
        came_at = machine_now()
        envelope: RequestHead | None = None
        try:
            raw = await read()
            form = read_form(headers.get("content-type", ""), raw)
            envelope = read_envelope(raw if form is None else form.message, came_at)
            if form is not None:
                envelope = envelope._replace(input=with_file(envelope.input, form.file))
            terms = await self._terms.of(envelope.institution)
            caller = await self._known(envelope, terms, raw, (headers, address))
            return await self._carried_out(envelope, caller, terms.dialect)
        except FailedError as error:
            failed = error.failed
        except Exception as error:  # noqa: BLE001 -- the one place that turns any error into -1
            failed = _failed(error)
        return ExchangeReply(
            bad_bytes(envelope, failed, came_at, machine_now()), is_replayed=failed.is_replayed
        )

    async def _known(
        self, envelope: RequestHead, terms: Terms, raw: bytes, came: tuple[Mapping[str, str], str]
    ) -> Caller:
        """Who sent this. A secret is not guessed at for long: first the limit, then the check.

        Failures count by address and by the institution that is named: nobody shuts another
        one's institution out. Whoever holds a valid token is let in at any address.

        Raises:
            ProblemError: RATE_LIMITED; the rest as `Guard.check`.
        """
        headers, address = came
        limits, now_s = self._api.limits, monotonic_s()
        whence = (address, envelope.institution)
        wait_s = limits.wait_at(whence, now_s)
        if wait_s and terms.style is not None:
            raise too_many(wait_s, "address")
        try:
            caller = await self._guard.check(
                envelope.institution, terms, headers, raw, machine_now().timestamp()
            )
        except ProblemError as error:
            limits.charge_address(whence, [error.code], now_s)
            raise too_many(wait_s, "address") if wait_s else error from None
        if wait_s := limits.wait_of(caller, now_s):
            raise too_many(wait_s, "caller")
        return caller

    async def _carried_out(
        self, envelope: RequestHead, caller: Caller, dialect: Dialect
    ) -> ExchangeReply:
        transaction = TRANSACTIONS.get(envelope.infno)
        if transaction is None:
            raise ProblemError("INFNO_UNKNOWN", field=envelope.infno)
        came_as(caller, f"{MESSAGE}{envelope.infno}")
        sent = read_input(transaction, envelope.input, self._api.context.clock().on)
        call = Call(self._api, caller, envelope, transaction, sent, dialect)
        try:
            if envelope.infno in FILES:
                return ExchangeReply(await FILES[envelope.infno](call), BYTES)
            answered = await HANDLERS[envelope.infno](call)
        except Exception as error:
            code = error.failed.code if isinstance(error, FailedError) else problem_of(error)[0]
            self._api.limits.charge(caller, {code: 1}, monotonic_s())
            raise
        return ExchangeReply(
            good_bytes(envelope, answered, machine_now()), is_replayed=answered.is_replayed
        )


def _failed(error: Exception) -> Failed:
    """An error by its code; a bug is logged without the body."""
    code, outcome, fields = problem_of(error)
    refused(code)
    if TEXTS[code].status == 500:  # noqa: PLR2004 -- a bug of ours
        LOG.error("%s %s", code, new_trace(), exc_info=error)
    told: dict[str, Any] = dict(fields)
    wrong = told.pop("errors", None)
    if wrong and "field" not in told:
        told["field"] = wrong[0]["field"]
    return Failed(code, outcome, told)
