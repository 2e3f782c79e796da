"""A static key, and tokens by OAuth 2: taken when right, refused when anything is not."""

import json
from base64 import b64encode
from typing import Any

import pytest

from api.his.wire.access_token import LIFETIME_S, check_token, make_token
from api.http.problems import ProblemError
from service.clock import monotonic_s
from tests.api.clients import HOSPITAL, LEDGER_KEYS, NATION, PHARMACY, Desk
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import signs
from tests.api.his.signing import SECRET
from tests.api.his.test_signatures import told, unsigned

PATH = "/auth/oauth/token"
CODE = HOSPITAL.subject
FORM = {"grant_type": "client_credentials"}


async def test_a_static_key_is_a_header(desk: Desk) -> None:
    """It protects against guessing alone, so a message may come twice: the msgid is the key."""
    await signs(desk, HOSPITAL, {"style": "apikey", "secret": SECRET}, {})
    raw = unsigned()

    for _ in range(2):
        assert "ok" == await told(desk, raw, {"apikey": SECRET})
    for headers in ({}, {"apikey": ""}, {"apikey": SECRET + "x"}, {"apikey": "\x7f"}):
        assert "SIGNATURE_INVALID" == await told(desk, raw, headers)
    assert "SIGNATURE_INVALID" == await told(desk, raw, desk.bearer(HOSPITAL))


async def asked(desk: Desk, client: str, secret: str, **form: str) -> tuple[int, dict[str, Any]]:
    """What a client's request for a token is answered."""
    basic = b64encode(f"{client}:{secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    answer = await desk.front.post(PATH, data=form or FORM, headers=headers)
    return answer.status_code, answer.json()


async def a_token(desk: Desk, paasid: str = "") -> str:
    """A token of the hospital, which has this client id."""
    signature = {"style": "oauth2", "secret": SECRET} | ({"paasid": paasid} if paasid else {})
    await signs(desk, HOSPITAL, signature, {})
    status, given = await asked(desk, CODE, SECRET)
    assert (200, "bearer", LIFETIME_S) == (status, given["token_type"], given["expires_in"])
    return str(given["access_token"])


async def test_a_token_is_fetched_and_taken(desk: Desk) -> None:
    """For the national protocol alone, for its institution alone."""
    raw, token = unsigned(), await a_token(desk)
    headers = {"authorization": f"Bearer {token}"}
    other = His(PHARMACY.subject, wire=None)  # type: ignore[arg-type]
    others = json.dumps(other.envelope("1101", {}, other.msgid())).encode()
    wrong = [token[:-1], token + "x", token.replace("gongji", "x"), "", SECRET]

    assert "ok" == await told(desk, raw, headers)
    assert "SIGNATURE_INVALID" == await told(desk, others, headers)
    for text in wrong:
        refused = await told(desk, raw, {"authorization": f"Bearer {text}"})
        assert "SIGNATURE_INVALID" == refused
    assert "SIGNATURE_INVALID" == await told(desk, raw, {"authorization": f"Basic {token}"})
    assert 401 == (await desk.front.get("/v1/policies", headers=headers)).status_code
    await signs(desk, HOSPITAL, {"style": "oauth2", "secret": "new"}, {})
    assert "SIGNATURE_INVALID" == await told(desk, raw, headers)


def test_a_token_ends() -> None:
    """Half an hour after it was given, to the second."""
    token = f"Bearer {make_token(LEDGER_KEYS, CODE, SECRET, 1000.5)}"
    check_token(LEDGER_KEYS, CODE, SECRET, token, 999.0 + LIFETIME_S)

    for now_s in (1000.0 + LIFETIME_S, 10.0**10):
        with pytest.raises(ProblemError):
            check_token(LEDGER_KEYS, CODE, SECRET, token, now_s)


async def test_both_grants_and_both_names_of_a_client(desk: Desk) -> None:
    """By the institution's code or its `paasid`; in the header or in the form."""
    await a_token(desk, "client-7")
    by_password = {"grant_type": "password", "username": CODE, "password": SECRET}
    right = [
        await asked(desk, "client-7", SECRET, **by_password),
        await asked(desk, CODE, SECRET, **by_password),
        await asked(desk, "client-7", SECRET, **FORM, fixmedins_code=CODE),
    ]
    form = FORM | {"client_id": CODE, "client_secret": SECRET}
    plain = await desk.front.post(PATH, data=form)
    in_query = await desk.front.post(PATH, params=form)

    assert [200, 200, 200] == [status for status, _ in right]
    assert (200, 200) == (plain.status_code, in_query.status_code)
    assert "no-store" == plain.headers["cache-control"]


async def test_a_wrong_client_gets_nothing_and_is_counted(desk: Desk) -> None:
    """By address and institution, so that it locks out nobody else."""
    await a_token(desk)
    await signs(desk, PHARMACY, {"style": "apikey", "secret": SECRET}, {})
    wrong = [
        await asked(desk, CODE, "x"),
        await asked(desk, CODE, ""),
        await asked(desk, "", ""),
        await asked(desk, PHARMACY.subject, SECRET),
        await asked(desk, "nobody", SECRET),
        await asked(desk, "x" * 5000, SECRET),
        await asked(desk, CODE, SECRET, grant_type="password", username=CODE, password="x"),
        await asked(desk, CODE, SECRET, grant_type="password"),
        await asked(desk, "x", SECRET, **FORM, fixmedins_code=CODE),
    ]

    assert {(401, "invalid_client")} == {(status, told["error"]) for status, told in wrong}
    assert (400, {"error": "unsupported_grant_type"}) == await asked(
        desk, CODE, SECRET, grant_type="x"
    )
    assert (400, {"error": "invalid_request"}) == await asked(desk, CODE, SECRET, x="y")
    before = len(desk.limits.addresses)
    await asked(desk, "H99000000003", "x")
    assert before + 1 == len(desk.limits.addresses)
    now_s = monotonic_s()
    for _ in range(1200):
        desk.limits.charge_address(("127.0.0.1", CODE), ["SIGNATURE_INVALID"], now_s)
    status, problem = await asked(desk, CODE, SECRET)
    assert (429, "RATE_LIMITED") == (status, problem["code"])


async def test_a_token_says_whose_file_it_fetches(desk_on_postgres: Desk) -> None:
    """A GET needs no code in its query then."""
    desk = desk_on_postgres
    headers = {"authorization": f"Bearer {await a_token(desk)}"}
    his = His(CODE, wire=None)  # type: ignore[arg-type]
    sent = {"fsUploadIn": {"filename": "a.zip", "in": list(b"PK!")}}
    raw = json.dumps(his.envelope("9101", sent, his.msgid())).encode()
    kept = (await desk.front.post(ENTRANCE, content=raw, headers=headers)).json()["output"]
    path = f"/fsi/api/fileupload/download?file_qury_no={kept['file_qury_no']}"

    assert b"PK!" == (await desk.front.get(path, headers=headers)).content


async def test_no_secret_is_no_style(desk: Desk) -> None:
    """Anybody could come with an empty one."""
    body = {"code": CODE, "name": "x", "class": "hospital", "region": "990000"}
    for style in ("apikey", "oauth2"):
        sent = body | {"signature": {"style": style}}
        answer = await desk.send("PUT", NATION, f"/v1/institutions/{CODE}", sent)
        assert (422, "FIELD_REQUIRED") == (answer.status_code, answer.json()["code"])
