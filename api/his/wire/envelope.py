"""The envelope of a transaction: the head of a request, and the members around an answer."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from aggregates.vocabulary import BEIJING
from api.his.wire.findings import Note, place_of, unnoted
from api.his.wire.reading import MISSING, moment, read_json
from api.http.problems import ProblemError
from api.http.texts import PROBLEM_TEXTS
from service.ids import short
from service.person.free_text import is_id_number_in

MSGID_MAX = 30
CODE_MAX = 30
TEXT_MAX = 200
INF_TIME = place_of("head", "inf_time")
EXTRA_MAX = 4000
ALIASES = {f"{infno}A": infno for infno in ("2102", "2203", "2204", "2206", "2207", "2304")}
"""Variants that clients send in the place of a transaction, with the same fields.

A variant that is not here is a transaction of its own: 3203A is not 3203.
"""


MEMBERS = frozenset(
    {
        *("infno", "msgid", "mdtrtarea_admvs", "insuplc_admdvs", "recer_sys_code", "dev_no"),
        *("dev_safe_info", "cainfo", "signtype", "infver", "opter_type", "opter", "opter_name"),
        *("inf_time", "fixmedins_code", "fixmedins_name", "sign_no", "input"),
    }
)
"""The members of a request that the interface describes."""


REQUIRED = (
    *("mdtrtarea_admvs", "recer_sys_code", "infver", "opter_type", "opter", "opter_name"),
    "fixmedins_name",
)
"""Members that the interface requires and the service does not."""


class RequestHead(NamedTuple):
    """A request's head. `infno` is the transaction's own number: 2207 for its alias 2207A.

    `sent_at` is its `inf_time`; None where there is none that can be read.
    """

    infno: str
    msgid: str
    institution: str
    place: str
    operator: str
    input: Any
    is_gbk: bool
    came_at: datetime
    sent_at: datetime | None = None


def read_envelope(raw: bytes, came_at: datetime, note: Note = unnoted) -> RequestHead:
    """The head of a request.

    Raises:
        ProblemError: JSON_INVALID, FIELD_REQUIRED, FIELD_INVALID, PERSON_NAMED.
    """
    body, is_gbk = read_json(raw, note)
    if not isinstance(body, Mapping):
        raise ProblemError("JSON_INVALID")
    infno = _identifier(body, "infno", 6).upper()
    msgid = _identifier(body, "msgid", MSGID_MAX)
    if is_id_number_in(msgid):
        raise ProblemError("PERSON_NAMED", field="msgid")
    for name in body.keys() - MEMBERS:
        note("unknown_member", place_of("head", name))
    for name in REQUIRED:
        if body.get(name) is None or body[name] in MISSING:
            note("left_out", place_of("head", name))
    return RequestHead(
        infno=ALIASES.get(infno, infno),
        msgid=msgid,
        institution=_identifier(body, "fixmedins_code", CODE_MAX),
        place=_text(body, "mdtrtarea_admvs"),
        operator=_text(body, "opter"),
        input=body.get("input"),
        is_gbk=is_gbk,
        came_at=came_at,
        sent_at=_sent_at(body, note),
    )


def _sent_at(body: Mapping[str, Any], note: Note) -> datetime | None:
    """When a client says that it wrote its message. Nothing depends on it but SM2's signatures."""
    sent = body.get("inf_time")
    if sent is not None and sent not in MISSING:
        with suppress(ProblemError):
            return moment("inf_time", str(sent), lambda kind, _: note(kind, INF_TIME))
    note("inf_time_missing", "")
    return None


def _identifier(body: Mapping[str, Any], name: str, size: int) -> str:
    value = body.get(name)
    if isinstance(value, Mapping | list):
        raise ProblemError("FIELD_INVALID", field=name)
    text = "" if value is None or value in MISSING else str(value).strip()
    if not text:
        raise ProblemError("FIELD_REQUIRED", field=name)
    if len(text) > size or not text.isascii() or not text.isprintable():
        raise ProblemError("FIELD_INVALID", field=name)
    return text


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


class Answered(NamedTuple):
    """An output as JSON, and the log position of its decision; 0 for a query.

    `warning` is a sentence for people beside the output.
    """

    output: str
    position: int = 0
    is_replayed: bool = False
    warning: str | None = None


class Failed(NamedTuple):
    """A refusal: a stable code, the outcome, and facts that may be shown."""

    code: str
    outcome: str
    fields: Mapping[str, Any]
    is_replayed: bool = False


def good_bytes(head: RequestHead, answered: Answered, now: datetime) -> bytes:
    """A successful answer."""
    write = encode_basestring_ascii if head.is_gbk else encode_basestring
    warning = "null" if answered.warning is None else write(answered.warning)
    times = _times(head.place, head.came_at, answered.position, now)
    return _envelope(0, times, '"success"', warning, "null", answered.output)


def bad_bytes(head: RequestHead | None, failed: Failed, came_at: datetime, now: datetime) -> bytes:
    """A refusal: a Chinese sentence for people, and the code for programs.

    Without a head nobody knows what the client reads, so it is in ASCII.
    """
    write = encode_basestring_ascii if head is None or head.is_gbk else encode_basestring
    times = _times(head.place if head else "", came_at, 0, now)
    return _envelope(-1, times, write(err_msg(failed)), "null", write(extra(failed)), "null")


def _envelope(
    infcode: int, times: str, err_msg: str, warn_msg: str, exp_content: str, output: str
) -> bytes:
    return (
        f'{{"infcode":{infcode},{times},"err_msg":{err_msg},"warn_msg":{warn_msg},"cainfo":null,'
        f'"signtype":null,"enctype":null,"exp_content":{exp_content},"output":{output}}}'
    ).encode()


def _times(place: str, came_at: datetime, position: int, now: datetime) -> str:
    """The reference number of an answer, and when it was asked and answered."""
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
    text = PROBLEM_TEXTS[failed.code].zh
    field = failed.fields.get("field")
    if field:
        text = f"{text.removesuffix('。')}:{field}。"
    settlement = failed.fields.get("settlement_id")
    if failed.code == "DUPLICATE_CLAIM" and settlement:
        text = f"{text.removesuffix('。')},结算ID:{short(settlement)}。"
    tail = f"[{failed.code}]"
    return text[: TEXT_MAX - len(tail)] + tail


def extra(failed: Failed) -> str:
    """The facts of a refusal for programs, as JSON in the extension member."""
    facts: dict[str, Any] = {"code": failed.code, "outcome": failed.outcome}
    for name, value in failed.fields.items():
        if name == "settlement_id":
            facts["setl_id"] = short(value)
        elif name not in facts and isinstance(value, str | int):
            facts[name] = value
    text = json.dumps(facts, ensure_ascii=False)
    return text if len(text) <= EXTRA_MAX else json.dumps({"code": failed.code})
