"""A message at a wrong address never reads as success, and a file comes by GET too."""

import json
from typing import Any

from api.his.wire.envelope import ALIASES
from service.clock import monotonic_s
from tests.api.clients import AGENCY, HOSPITAL, Desk, a_claim
from tests.api.his.client import His
from tests.api.his.desks import a_hospital

WHO: dict[str, Any] = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}}
DOWNLOAD = "/fsi/api/fileupload/download"
NOBODYS = (
    "/",
    "/fsi",
    "/fsi/API/callService",
    "/api/fsi/callService",
    "/v1",
    "/docs/fsi",
    "/livez",
)


def a_message(his: His, **changes: object) -> bytes:
    return json.dumps(his.envelope("1101", WHO, his.msgid()) | changes).encode()


def told(raw: bytes) -> tuple[int, str]:
    """The `infcode` that a client reads, 0 if there is none, and the code of a refusal."""
    reply = json.loads(raw)
    return reply.get("infcode", 0), json.loads(reply["exp_content"])["code"]


async def test_a_path_that_is_nobody_s_says_so(desk: Desk) -> None:
    """Where there is no route, or none for a POST; whatever the content type says."""
    raw = a_message(await a_hospital(desk))
    bodies = (raw, json.dumps(raw.decode()).encode(), raw[:-1], raw + b" " * 9_000_000)
    tries = [(path, "text/plain", raw) for path in NOBODYS]
    tries += [("/fsi", kind, body) for kind in ("application/json", "x/y", "") for body in bodies]
    for path, kind, body in tries:
        answer = await desk.front.post(path, content=body, headers={"content-type": kind})
        assert 200 == answer.status_code
        assert (-1, "FSI_PATH_UNKNOWN") == told(answer.content)
        assert answer.headers["content-type"].startswith("application/json")


async def test_a_sealed_message_is_refused_in_the_clear(desk: Desk) -> None:
    """Its envelope has no `infno`; the refusal is in ASCII, which clients in GBK read too."""
    raw = json.dumps({"appId": "x", "encData": "00", "signData": ""}).encode()
    for body in (raw, json.dumps(raw.decode()).encode()):
        answer = await desk.front.post("/his/2207", content=body)
        assert 200 == answer.status_code
        assert (-1, "FSI_PATH_UNKNOWN") == told(answer.content)
        assert answer.content.isascii()


async def test_a_native_route_keeps_its_status(desk: Desk) -> None:
    """Its problem also has what a client of the protocol reads."""
    raw = a_message(await a_hospital(desk))
    for path in ("/v1/settlements", "/v1/quotes"):
        answer = await desk.front.post(path, content=raw)
        problem = answer.json()
        assert 401 == answer.status_code
        assert (-1, "UNAUTHENTICATED") == (problem["infcode"], problem["code"])
        assert problem["err_msg"].endswith("[UNAUTHENTICATED]")


async def test_a_refused_shape_is_no_success_either(desk: Desk) -> None:
    """415 and 422 on a native route, of a caller whom it knows."""
    raw = a_message(await a_hospital(desk))
    for path in ("/v1/settlements", "/v1/quotes"):
        for kind, status in (("application/json", 422), ("text/plain", 415)):
            headers = desk.bearer(HOSPITAL) | {"content-type": kind, "idempotency-key": "k1"}
            answer = await desk.front.post(path, content=raw, headers=headers)
            assert (status, -1) == (answer.status_code, answer.json()["infcode"])
            assert str(len(answer.content)) == answer.headers["content-length"]


async def test_native_requests_are_answered_as_ever(desk: Desk) -> None:
    """A problem without an `infno` in its request has no `infcode`, and a success none."""
    missing = await desk.post(AGENCY, "/v1/nowhere", {"x": 1})
    wrong = await desk.post(HOSPITAL, "/v1/settlements", a_claim(total="x"))
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim())

    assert (404, 422, 201) == (missing.status_code, wrong.status_code, settled.status_code)
    assert "NOT_FOUND" == missing.json()["code"]
    assert not any("infcode" in answer.json() for answer in (missing, wrong, settled))


async def test_a_limited_address_is_told_in_an_envelope(desk: Desk) -> None:
    """429 comes before the routes, and reads as no success."""
    raw = a_message(await a_hospital(desk))
    while not desk.limits.wait_at("127.0.0.1", monotonic_s()):
        desk.limits.charge_address("127.0.0.1", ["UNAUTHENTICATED"], monotonic_s())
    answer = await desk.front.post("/nowhere", content=raw)

    assert (-1, "RATE_LIMITED") == told(answer.content)


async def test_a_file_comes_by_get(desk_on_postgres: Desk) -> None:
    """With the number in the query; the institution is named there or by its signature."""
    desk = desk_on_postgres
    his = await a_hospital(desk)
    named = {"filename": "a.zip", "fixmedins_code": HOSPITAL.subject}
    kept = await his.ask("9101", {"fsUploadIn": named | {"in": list(b"PK!")}})
    query = {"file_qury_no": kept["file_qury_no"]}
    plain = await desk.front.get(DOWNLOAD, params=query | {"fixmedins_code": HOSPITAL.subject})
    by_token = await desk.front.get(DOWNLOAD, params=query, headers=desk.bearer(HOSPITAL))

    assert (b"PK!", b"PK!") == (plain.content, by_token.content)
    assert "application/octet-stream" == plain.headers["content-type"]


async def test_a_failed_download_is_no_file(desk_on_postgres: Desk) -> None:
    """By POST or GET: JSON, and `infcode` -1, for a wrong number, nobody, and a wrong token."""
    desk = desk_on_postgres
    his = await a_hospital(desk)
    wanted = {"fsDownloadIn": {"file_qury_no": "no such file"}}
    raw = json.dumps(his.envelope("9102", wanted, his.msgid())).encode()
    query = {"file_qury_no": "x", "fixmedins_code": HOSPITAL.subject}
    other = query | {"fixmedins_code": "H99000000002"}
    answers = {
        "NOT_FOUND": [
            await desk.front.post(DOWNLOAD, content=raw),
            await desk.front.get(DOWNLOAD, params=query),
        ],
        "FIELD_REQUIRED": [
            await desk.front.get(DOWNLOAD),
            await desk.front.get(DOWNLOAD, params={"fixmedins_code": HOSPITAL.subject}),
        ],
        "SIGNATURE_INVALID": [
            await desk.front.get(DOWNLOAD, params=other),
            await desk.front.get(DOWNLOAD, params=other, headers=desk.bearer(HOSPITAL)),
        ],
    }

    for code, told_so in answers.items():
        for answer in told_so:
            assert (-1, code) == told(answer.content)
            assert answer.headers["content-type"].startswith("application/json")


async def test_an_unlisted_variant_is_a_transaction_of_its_own(desk: Desk) -> None:
    """3203A is not 3203, and nobody here speaks it."""
    his = await a_hospital(desk)
    for infno in ("3203A", "1101A", "2201B", "2208A", "9102A", "2207AA"):
        reply = await his.send(infno, WHO)
        assert "INFNO_UNKNOWN" == json.loads(reply["exp_content"])["code"]


async def test_a_listed_variant_is_its_transaction(desk: Desk) -> None:
    """As clients send them: the input is read by the table of the number without the letter."""
    his = await a_hospital(desk)
    for alias, infno in ALIASES.items():
        replies = [await his.send(number, {}) for number in (alias, alias.lower(), infno)]
        assert 1 == len({reply["exp_content"] for reply in replies})
        assert "INFNO_UNKNOWN" not in replies[0]["exp_content"]
