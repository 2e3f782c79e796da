"""The hot route: `POST /v1/settlements` answered in front of the FastAPI application.

The framework costs more than a settlement. This route uses the same model, the same use case and
the same problems without it.
"""

from datetime import date

from api.http.asgi import App, Receive, Scope, Send, read_raw
from api.http.dependencies import Api, Change
from api.http.fields import dated
from api.http.headers import answer_headers, raw_headers
from api.http.problems import ProblemAnswer, answer_problem, answer_refusal
from api.http.strict_body import BODY_MAX, check_media_type, check_members
from api.settlement.requests import ClaimBody
from api.settlement.routes import OPERATION, settling_of
from service.settlement import settle
from service.settlement.queries import status_since

PATH = "/v1/settlements"
VALIDATE = ClaimBody.__pydantic_validator__.validate_json
CONTENT_TYPE = (b"content-type", b"application/json")


class FastSettlementRoute:
    """An ASGI application that answers settlements, and passes all other requests to `app`."""

    def __init__(self, app: App, api: Api) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a settlement; pass every other request on."""
        is_plain = scope["type"] == "http" and not scope.get("query_string")
        if not is_plain or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))  # the first of two by one name counts
        try:
            status, body, more = await self._settle(headers, receive)
        except Exception as error:  # noqa: BLE001 -- the one place that turns any error into a problem
            answer = answer_problem(error, _text(headers, b"accept-language"))
            status, body, more = _problem(answer)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [*more, length]})
        await send({"type": "http.response.body", "body": body})

    async def _settle(
        self, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        caller = self._api.tokens.caller(_text(headers, b"authorization"))
        check_media_type(_text(headers, b"content-type"), _text(headers, b"content-encoding"))
        raw = await read_raw(receive, BODY_MAX)
        claim = read_claim(raw, self._api.context.clock().on)
        key, language = _text(headers, b"idempotency-key"), _text(headers, b"accept-language")
        request = Change(self._api, caller, key, language).request(OPERATION, claim)
        reply = await settle.settle(self._api.context, request, settling_of(claim))
        if reply.refusal is not None:
            return _problem(answer_refusal(reply, language))
        shared = answer_headers(reply.position, is_replayed=reply.is_replayed)
        more = [CONTENT_TYPE, *raw_headers(shared)]
        if reply.is_replayed:
            since = await status_since(self._api.context, caller, reply)
            more += [(b"gongji-since", since.encode())] if since else []
        return 201, b'%b,"position":%d}' % (reply.answer[:-1], reply.position), more


def read_claim(raw: bytes, today: date | None = None) -> ClaimBody:
    """A claim in its strict shape; `today` is the business day.

    Raises:
        ProblemError, ValidationError: as `StrictBodyRoute`.
    """
    try:
        claim: ClaimBody = VALIDATE(raw, context=dated(today))
    except ValueError:
        check_members(raw)  # JSON_DUPLICATE_KEY comes before a wrong value
        raise
    if b"\\" in raw or raw.count(b'"') != _quotes(claim):
        check_members(raw)
    return claim


def _quotes(claim: ClaimBody) -> int:
    """The quotation marks of a claim's text if no member is repeated and none is escaped."""
    strings = len(claim.model_fields_set) + 6 + 4  # the names, six texts, and the beneficiary
    strings += claim.plan_hash is not None
    strings += 0 if claim.credential is None else 4
    for line in claim.lines or ():
        members = line.model_fields_set
        strings += len(members) + 3 + ("part" in members)
    return 2 * strings


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _problem(answer: ProblemAnswer) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    more = [(name, value) for name, value in answer.raw_headers if name != b"content-length"]
    return answer.status_code, bytes(answer.body), more
