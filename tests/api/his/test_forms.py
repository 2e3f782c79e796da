"""9101 as a form: the file comes as it is, beside the message or what it would hold."""

import json
from typing import Any

import pytest

from tests.api.clients import HOSPITAL, Desk
from tests.api.his.client import ENTRANCE, His
from tests.api.his.desks import a_hospital

FILE = b"PK\x03\x04\r\n\r\n--not the boundary\x00\xff\x85\n"
NAMED = {"filename": "stmt.zip", "fixmedins_code": HOSPITAL.subject}


def an_envelope(his: His, **changes: object) -> dict[str, Any]:
    return his.envelope("9101", {"fsUploadIn": NAMED}, his.msgid()) | changes


async def sent(desk: Desk, told: object, name: str = "in") -> dict[str, Any]:
    """What a form is answered."""
    files: dict[str, Any] = {"jsonStr": (None, json.dumps(told)), name: ("stmt.zip", FILE)}
    answer = await desk.front.post(ENTRANCE, files=files)
    assert 200 == answer.status_code
    reply: dict[str, Any] = answer.json()
    return reply


async def test_a_file_is_the_same_however_it_comes(desk_on_postgres: Desk) -> None:
    """In a list of bytes, beside a whole message, beside its node alone: one number."""
    desk = desk_on_postgres
    his = await a_hospital(desk)
    listed = await his.ask("9101", {"fsUploadIn": NAMED | {"in": list(FILE)}})
    replies = [
        await sent(desk, an_envelope(his)),
        await sent(desk, an_envelope(his), "file"),
        await sent(desk, an_envelope(his, input=json.dumps({"fsUploadIn": NAMED})), "file"),
        await sent(desk, NAMED),
    ]
    wanted = {"fsDownloadIn": NAMED | {"file_qury_no": listed["file_qury_no"]}}
    asked = json.dumps(his.envelope("9102", wanted, his.msgid())).encode()

    assert {0} == {reply["infcode"] for reply in replies}
    numbers = {reply["output"]["file_qury_no"] for reply in replies}
    assert {listed["file_qury_no"]} == numbers
    assert FILE == await his.wire("/fsi/api/fileupload/download", {}, asked)


FORM = "multipart/form-data; boundary=b"


def a_form(**parts: str) -> bytes:
    """A form of these parts, by hand."""
    told = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in parts.items()
    )
    return "".join((*told, "--b--")).encode()


BAD: dict[str, tuple[str, bytes, str]] = {
    "no boundary": ("multipart/form-data", a_form(file="x", jsonStr="{}"), "FILE_INVALID"),
    "nothing": (FORM, b"", "FILE_INVALID"),
    "no file": (FORM, a_form(jsonStr="{}"), "FILE_INVALID"),
    "no message": (FORM, a_form(file="x"), "FILE_INVALID"),
    "no JSON": (FORM, a_form(file="x", jsonStr="[1"), "JSON_INVALID"),
    "a list": (FORM, a_form(file="x", jsonStr="[1]"), "JSON_INVALID"),
    "nobody's": (FORM, a_form(file="x", jsonStr="{}"), "FIELD_REQUIRED"),
}


@pytest.mark.parametrize(("kind", "raw", "code"), BAD.values(), ids=BAD)
async def test_a_broken_form_is_refused(desk: Desk, kind: str, raw: bytes, code: str) -> None:
    """What cannot be read is answered as any message that cannot."""
    answer = await desk.front.post(ENTRANCE, content=raw, headers={"content-type": kind})

    assert code == json.loads(answer.json()["exp_content"])["code"]


async def test_a_form_is_signed_as_any_message(desk: Desk) -> None:
    """Where the institution proves itself by a token, a form without one is nobody's."""
    reply = await sent(desk, NAMED)

    assert "SIGNATURE_INVALID" == json.loads(reply["exp_content"])["code"]
