"""`/docs/fsi/check`: the form, and the connection check that it asks of the API.

The page is a client of `GET /v1/institutions/{code}/fsi-check`: it sends that request to the
application itself, so the access log, the limits and the rights are those of the API. The token
comes in the body of a POST, so no address, history or log of a proxy has it.
"""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from aggregates.vocabulary import BEIJING
from api.his.check_page.page import (
    PATH,
    POLICY,
    NotChecked,
    Typed,
    check_page,
    empty_page,
    refused_page,
)
from api.his.fsi_check import moment_of
from api.http.asgi import App, Message, Scope, read_raw
from api.http.headers import RawHeaders, answer_headers
from api.http.problems import ProblemError
from api.http.texts import PROBLEM_TEXTS

BODY_MAX = 16_384
"""Bytes of a form."""
FIELDS_MAX = 10
CODE_MAX = 30
"""Characters of a code that the page shows again."""
FORM = "application/x-www-form-urlencoded"
FOREIGN = NotChecked(
    "NOT_PERMITTED",
    "表单须从本页提交,不接受其他网站的表单。",
    "The form is taken from this page alone, and not from another site.",
)
NO_FORM = NotChecked("MEDIA_TYPE", f"请以表单({FORM})提交。", f"Send a form ({FORM}).")
KEPT_HEADERS = (b"retry-after", b"www-authenticate")
"""Headers of the API's refusal that the page's has too."""
PASSED_HEADERS = (b"gongji-purpose", b"user-agent")
"""Headers of the form's request that the request to the API has too."""

router = APIRouter(include_in_schema=False)


class ApiAnswer(NamedTuple):
    """What the API answered."""

    status: int
    headers: RawHeaders
    body: dict[str, Any]


@router.get(PATH)
async def read_form() -> HTMLResponse:
    """The page before anything is asked. A query changes nothing."""
    return _page(empty_page())


@router.post(PATH)
async def answer_form(request: Request) -> HTMLResponse:
    """The check, or why there is none, with the status of the API's answer."""
    if _is_foreign(request):
        return _page(refused_page(Typed(), FOREIGN), 403)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM or request.headers.get("content-encoding", "identity") != "identity":
        return _page(refused_page(Typed(), NO_FORM), 415)
    try:
        form = _read(await read_raw(request.receive, BODY_MAX))
    except ProblemError as error:
        return _refused(Typed(), error.code)
    code, since, token = (form.get(name, "").strip() for name in ("code", "since", "token"))
    typed = Typed(code if len(code) <= CODE_MAX else "", _shown(since))
    if not code:
        return _refused(typed, "FIELD_REQUIRED", ("code",))
    answer = await _ask(request.app.state.front, request.scope, code, since, token)
    if answer.status == 200:  # noqa: PLR2004 -- it was answered
        return _page(check_page(typed, answer.body))
    names = tuple(str(error["field"]) for error in answer.body.get("errors", ()))
    page = _refused(typed, answer.body["code"], names, answer.status)
    page.raw_headers += [kept for kept in answer.headers if kept[0].lower() in KEPT_HEADERS]
    return page


def _is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sends the form.

    Browsers send `Sec-Fetch-Site` over HTTPS and to localhost, and `Origin` everywhere. A request
    without both is no browser's form.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and _netloc(origin) != request.headers.get("host", "").lower()


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _read(raw: bytes) -> dict[str, str]:
    """The fields of a form.

    Raises:
        ProblemError: FIELD_INVALID: too many fields, one twice, or bytes that are no UTF-8.
    """
    try:
        pairs = parse_qsl(raw.decode(), errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise ProblemError("FIELD_INVALID") from error
    if len(dict(pairs)) != len(pairs):
        raise ProblemError("FIELD_INVALID")
    return dict(pairs)


def _shown(since: str) -> str:
    """A time as the form's field shows it; empty if it is none."""
    try:
        return moment_of(since).astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return ""


def _asked_since(since: str) -> str:
    """A time as the API reads it; what is no time goes on as it is, for the API to refuse."""
    try:
        return moment_of(since).isoformat()
    except ValueError:
        return since


async def _ask(front: App, scope: Scope, code: str, since: str, token: str) -> ApiAnswer:
    """Ask the API inside of this process, as the token's holder."""
    query = urlencode({"since": _asked_since(since)}) if since else ""
    path = f"/v1/institutions/{code}/fsi-check"
    passed = [sent for sent in scope["headers"] if sent[0] in PASSED_HEADERS]
    bearer = token if token[:7].lower() == "bearer " else f"Bearer {token}"
    inner = {
        **{name: scope[name] for name in ("asgi", "http_version", "scheme", "client", "server")},
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [*passed, (b"authorization", bearer.encode())],
    }
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await front(inner, receive, send)
    body = b"".join(message.get("body", b"") for message in told[1:])
    return ApiAnswer(told[0]["status"], list(told[0]["headers"]), json.loads(body))


def _refused(
    typed: Typed, code: str, names: tuple[str, ...] = (), status: int | None = None
) -> HTMLResponse:
    text = PROBLEM_TEXTS[code]
    page = refused_page(typed, NotChecked(code, text.zh, text.en, names))
    return _page(page, text.status if status is None else status)


def _page(text: str, status: int = 200) -> HTMLResponse:
    """A page with its headers. Under a stricter referrer policy its form has no `Origin`."""
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return HTMLResponse(text, status, answer_headers() | headers)
