"""`POST /auth/oauth/token`: an institution's short-lived token for the national protocol.

The client is the institution: Basic with its `paasid`, or its code, and its secret. The grants are
`client_credentials` and `password`. Of the second, `username` is the institution's code, and
`password` is the secret again; the first may name the code in `fixmedins_code` where the client is
a `paasid`. The answers are those of RFC 6749. A wrong client is counted by the rate limiter.
"""

import base64
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from aggregates.vocabulary import SignatureStyle
from api.his.wire.access_token import LIFETIME_S, make_token
from api.http.dependencies import Api, ApiOf
from api.http.headers import json_answer
from api.http.limits.rate_limits import address_of
from api.http.rate_limit_middleware import too_many
from service.caller import institution
from service.clock import machine_now, monotonic_s
from service.his.institution_terms import Terms, TermsBook
from service.request_context import came_as, refused

PATH = "/auth/oauth/token"
BODY_MAX = 8192
CODE_MAX = 30
GRANTS = frozenset({"client_credentials", "password"})

router = APIRouter()


@router.post(PATH, include_in_schema=False)
async def give_token(request: Request, api: ApiOf) -> Response:
    """A token, or the error of RFC 6749; its form comes in the body or in the query."""
    raw = await request.body()
    form = dict(request.query_params) | dict(parse_qsl(raw[:BODY_MAX].decode("latin-1")))
    grant = form.get("grant_type")
    if grant not in GRANTS:
        return _error("unsupported_grant_type" if grant else "invalid_request", 400)
    client, secret = _basic(request.headers.get("authorization"), form)
    code = form.get("username") or form.get("fixmedins_code") or client
    origin = (address_of(request.client), code[:CODE_MAX])
    if wait_s := api.limits.wait_at(origin, monotonic_s()):
        raise too_many(wait_s, "address")
    terms = await _terms_of(api, code)
    if not _is_client(terms, code, client, secret, form):
        api.limits.charge_address(origin, ["SIGNATURE_INVALID"], monotonic_s())
        refused("SIGNATURE_INVALID")
        return _error("invalid_client", 401)
    came_as(institution(code), f"POST {PATH}")
    token = make_token(api.context.vault, code, terms.secret, machine_now().timestamp())
    told = {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_S, "scope": "fsi"}
    return json_answer(told)


async def _terms_of(api: Api, code: str) -> Terms:
    if not code or len(code) > CODE_MAX or not code.isascii():
        return Terms()
    return await TermsBook(api.context).of(code)


def _is_client(terms: Terms, code: str, client: str, secret: str, form: dict[str, str]) -> bool:
    """Whether client and secret are the institution's; every comparison takes constant time."""
    is_style = terms.style is SignatureStyle.OAUTH2 and terms.secret != ""
    ours = terms.secret if is_style else secrets.token_hex(16)
    is_secret = hmac.compare_digest(ours.encode(), secret.encode())
    password = form.get("password", "") if form["grant_type"] == "password" else secret
    is_password = hmac.compare_digest(ours.encode(), password.encode())
    return is_style and is_secret and is_password and client in {code, terms.paasid or code}


def _basic(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """Client and secret of a Basic header, or of the form; empty where there are none."""
    kind, _, told = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(told.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return client, secret


def _error(word: str, status: int) -> Response:
    told: dict[str, Any] = {"error": word}
    answer = json_answer(told, status=status)
    if status == 401:  # noqa: PLR2004 -- who are you
        answer.headers["WWW-Authenticate"] = 'Basic realm="gongji"'
    return answer
