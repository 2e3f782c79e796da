"""The envelope around every transaction: who asks for what, and how the answer is wrapped."""

import json
from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from aggregates.vocabulary import BEIJING
from api.his.wire.reading import MISSING, read_json
from api.http.problem_texts import TEXTS
from api.http.problems import ProblemError
from service.ids import short
from service.person.free_text import is_id_number_in

MSGID_MAX = 30
CODE_MAX = 30
TEXT_MAX = 200
EXTRA_MAX = 4000


class RequestHead(NamedTuple):
    """A request's head. `infno` is without its letter: 2207A is 2207 with other habits."""

    infno: str
    msgid: str
    institution: str
    place: str
    operator: str
    input: Any
    is_gbk: bool
    came_at: datetime


def read_envelope(raw: bytes, came_at: datetime) -> RequestHead:
    """The head of a request.

    Raises:
        ProblemError: JSON_INVALID, FIELD_REQUIRED, FIELD_INVALID, PERSON_NAMED.
    """
    body, is_gbk = read_json(raw)
    if not isinstance(body, Mapping):
        raise ProblemError("JSON_INVALID")
    infno = _named(body, "infno", 6).upper()
    if len(infno) == 5 and infno[4].isalpha():  # noqa: PLR2004 -- 2207A
        infno = infno[:4]
    return RequestHead(
        infno=infno,
        msgid=_unnaming("msgid", _named(body, "msgid", MSGID_MAX)),
        institution=_named(body, "fixmedins_code", CODE_MAX),
        place=_loose(body, "mdtrtarea_admvs"),
        operator=_loose(body, "opter"),
        input=body.get("input"),
        is_gbk=is_gbk,
        came_at=came_at,
    )


def _named(body: Mapping[str, Any], name: str, size: int) -> str:
    held = body.get(name)
    if isinstance(held, Mapping | list):
        raise ProblemError("FIELD_INVALID", field=name)
    text = "" if held is None or held in MISSING else str(held).strip()
    if not text:
        raise ProblemError("FIELD_REQUIRED", field=name)
    if len(text) > size or not text.isascii() or not text.isprintable():
        raise ProblemError("FIELD_INVALID", field=name)
    return text


def _unnaming(name: str, identifier: str) -> str:
    if is_id_number_in(identifier):
        raise ProblemError("PERSON_NAMED", field=name)
    return identifier


def _loose(body: Mapping[str, Any], name: str) -> str:
    held = body.get(name)
    return held if isinstance(held, str) else ""


class Answered(NamedTuple):
    """An output as JSON, and where its decision stands in the log; 0 for a look.

    `warning` is a sentence for people that goes beside it.
    """

    output: str
    position: int = 0
    is_replayed: bool = False
    warning: str | None = None


class Failed(NamedTuple):
    """Why not: a stable code, what came of it, and facts that may be told."""

    code: str
    outcome: str
    fields: Mapping[str, Any]
    is_replayed: bool = False


def good_bytes(envelope: RequestHead, answered: Answered, now: datetime) -> bytes:
    """A successful answer."""
    head = _head(envelope.place, envelope.came_at, answered.position, now)
    write = encode_basestring_ascii if envelope.is_gbk else encode_basestring
    warning = "null" if answered.warning is None else write(answered.warning)
    return (
        f'{{"infcode":0,{head},"err_msg":"success","warn_msg":{warning},"cainfo":null,'
        f'"signtype":null,"enctype":null,"exp_content":null,"output":{answered.output}}}'
    ).encode()


def bad_bytes(
    envelope: RequestHead | None, failed: Failed, came_at: datetime, now: datetime
) -> bytes:
    """A refusal: a Chinese sentence for people, and the code for programs."""
    is_ascii = envelope is not None and envelope.is_gbk
    write = encode_basestring_ascii if is_ascii else encode_basestring
    head = _head(envelope.place if envelope else "", came_at, 0, now)
    return (
        f'{{"infcode":-1,{head},"err_msg":{write(err_msg(failed))},"warn_msg":null,"cainfo":null,'
        f'"signtype":null,"enctype":null,"exp_content":{write(extra(failed))},"output":null}}'
    ).encode()


def _head(place: str, came_at: datetime, position: int, now: datetime) -> str:
    region = place if len(place) == 6 and place.isdigit() else "000000"  # noqa: PLR2004
    number = position or now.microsecond
    reference = f"{region}{now.astimezone(BEIJING):%Y%m%d%H%M%S}{number % 10**10:010d}"
    return (
        f'"inf_refmsgid":"{reference}","refmsg_time":"{_millis(came_at)}",'
        f'"respond_time":"{_millis(now)}"'
    )


def _millis(moment: datetime) -> str:
    local = moment.astimezone(BEIJING)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def err_msg(failed: Failed) -> str:
    """A sentence in Chinese of at most 200 characters, with the code at its end."""
    text = TEXTS[failed.code].zh
    named = failed.fields.get("field")
    if named:
        text = f"{text.removesuffix('。')}:{named}。"
    live = failed.fields.get("settlement_id")
    if failed.code == "DUPLICATE_CLAIM" and live:
        text = f"{text.removesuffix('。')},结算ID:{short(live)}。"
    tail = f"[{failed.code}]"
    return text[: TEXT_MAX - len(tail)] + tail


def extra(failed: Failed) -> str:
    """What a program may know of a refusal, as JSON in the extension member."""
    told: dict[str, Any] = {"code": failed.code, "outcome": failed.outcome}
    for name, value in failed.fields.items():
        if name == "settlement_id":
            told["setl_id"] = short(value)
        elif name not in told and isinstance(value, str | int):
            told[name] = value
    text = json.dumps(told, ensure_ascii=False)
    return text if len(text) <= EXTRA_MAX else json.dumps({"code": failed.code})
