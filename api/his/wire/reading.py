"""Reads what hospitals' clients really send: tolerant of form, strict about values.

Accepted are numbers or strings, empty strings, nulls and the word "null", UTF-8 or GBK, an object
or a text that holds one. Values are typed by the field tables: amounts in fen, moments aware.
Whatever needed tolerance is noted by its kind and place.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from aggregates.vocabulary import BEIJING
from api.his.wire.field_tables import Field, FieldNode, Transaction
from api.his.wire.findings import Note, place_of, unnoted
from api.http.problems import ProblemError
from api.http.values.dates import is_within
from api.http.values.numbers import decimal_of, near_fen_of, whole_of
from service.person.free_text import is_id_number_in

GBK = "gb18030"
"""Reads GBK too, which it contains."""
MISSING = ("", "null", "NULL")
NESTED_MAX = 3
"""How many times a client may have encoded its body as a JSON text."""
LINES_MAX = 1000
MOMENTS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y",
)
"""The first two are the published ones; the last two are what a common runtime writes of a date
without a format."""
PUBLISHED_SHAPES, US_SHAPES = 2, MOMENTS[-2:]
PUBLISHED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2})?")
"""The published forms, which are read in a tenth of the time that the others take."""
DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats of moments without separators, by their number of digits."""
STORED_TEXTS = frozenset(
    {
        *("ipt_otp_no", "ipt_no", "dept_name", "adm_dept_name", "med_type"),
        *("diag_srt_no", "diag_code", "diag_name", "dise_codg", "dise_name"),
        *("feedetl_sn", "chrg_bchno", "med_list_codg", "invono", "clr_type"),
        *("mdtrt_id", "setl_id", "omsgid", "filename"),
    }
)
"""Texts that are stored in the clear, or could be: none may contain an ID number."""
FREE_TEXTS = ("_name", "_dscr", "memo")
"""How the names of texts that people write end; tabs and line ends between their words go."""
ID_NUMBERS = frozenset({"mdtrt_cert_no", "certno"})
SMALL_X = re.compile(r"[0-9]{17}x")
MILLIS_SIZE = 13
MONTH_SIZE = 6
DAY_SIZE = 10

Values = dict[str, Any]
N = TypeVar("N")


def read_json(raw: bytes, note: Note = unnoted) -> tuple[Any, bool]:
    """The JSON of a body, and whether it is in GBK.

    Raises:
        ProblemError: JSON_INVALID, JSON_TOO_DEEP.
    """
    is_gbk = False
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        is_gbk = True
        try:
            text = raw.decode(GBK)
        except UnicodeDecodeError as error:
            raise ProblemError("JSON_INVALID") from error
    if is_gbk:
        note("gbk", "")
    if text.startswith('"'):
        note("body_as_text", "")
    return unfold(text), is_gbk


def unfold(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """A value that may be a JSON text, encoded up to `NESTED_MAX` times.

    Raises:
        ProblemError: JSON_INVALID, JSON_TOO_DEEP.
    """
    for _ in range(NESTED_MAX):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value, parse_float=Decimal, parse_constant=_no_number)
        except RecursionError as error:
            raise ProblemError("JSON_TOO_DEEP") from error
        except (ValueError, ArithmeticError) as error:  # no JSON, or an exponent beyond decimals
            raise ProblemError("JSON_INVALID") from error
    return value


def _no_number(word: str) -> None:
    raise ValueError(word)


def read_input(
    transaction: Transaction,
    sent: Any,  # noqa: ANN401 -- JSON
    today: date | None = None,
    note: Note = unnoted,
) -> dict[str, Any]:
    """The typed nodes of an input, each an object of values or a list of them.

    `today` is the business day, which bounds dates.

    Raises:
        ProblemError: FIELD_REQUIRED, FIELD_INVALID, AMOUNT_FORMAT, DATE_INVALID, TOO_MANY_LINES.
    """
    if isinstance(sent, str) and sent.strip():
        note("input_as_text", "")
        sent = unfold(sent)
    if not isinstance(sent, Mapping):
        raise _wrong("FIELD_REQUIRED", "input")
    first = transaction.takes[0]
    values = {node: _find(node, sent, note, is_first=node == first) for node in transaction.takes}
    return {node.name: _node(node, value, today, note) for node, value in values.items()}


def _node(node: FieldNode, value: Any, today: date | None, note: Note) -> Any:  # noqa: ANN401
    if not node.is_list:
        if isinstance(value, list):
            note("list_for_object", node.name)
            value = value[0] if len(value) == 1 else None
        if not isinstance(value, Mapping):
            raise _wrong("FIELD_REQUIRED", node.name)
        return read_fields(node, value, today, note)
    if value is None:
        return []
    if not isinstance(value, list):
        note("object_for_list", node.name)
    rows = value if isinstance(value, list) else [value]
    if len(rows) > LINES_MAX:
        raise _wrong("TOO_MANY_LINES", node.name)
    if not all(isinstance(row, Mapping) for row in rows):
        raise _wrong("FIELD_INVALID", node.name)
    return [read_fields(node, row, today, note) for row in rows]


def _find(node: FieldNode, sent: Mapping[str, Any], note: Note, *, is_first: bool) -> Any:  # noqa: ANN401 -- JSON
    """A node under its own name; the first one also under a common name, or without a name."""
    names = (node.name, "data", "mdtrtinfo") if is_first else (node.name,)
    value = node_of(sent, names, note)
    if value is not None:
        return value
    is_flat = is_first and not any(isinstance(value, Mapping | list) for value in sent.values())
    if not is_flat or node.is_list:
        return None
    if sent:
        note("flat_input", node.name)
    return sent


def node_of(sent: Mapping[str, Any], names: tuple[str, ...], note: Note = unnoted) -> Any:  # noqa: ANN401 -- JSON
    """The first of these nodes that an input has; None if it has none.

    `sign_in` is `signIn`: some clients write every name with underscores.

    Raises:
        ProblemError: JSON_INVALID, JSON_TOO_DEEP.
    """
    by_name = {_plain(name): value for name, value in sent.items()}
    for name in names:
        value = by_name.get(_plain(name))
        if value is not None and value not in MISSING:
            if name != names[0] or name not in sent:
                note("node_name", names[0])
            if isinstance(value, str):
                note("input_as_text", names[0])
            return unfold(value)
    return None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def read_fields(
    node: FieldNode, sent: Mapping[str, Any], today: date | None = None, note: Note = unnoted
) -> Values:
    """One object's fields; members that the table does not have are ignored.

    Raises:
        ProblemError: as `read_input`.
    """
    values: Values = {}

    def note_here(kind: str, name: str) -> None:
        note(kind, place_of(node.name, name))

    for field in node.fields:
        raw = _sent(field, sent, note_here)
        value = _value(field, raw, note_here)
        if value is None and field.is_required:
            raise _wrong("FIELD_REQUIRED", field.name)
        if field.name in STORED_TEXTS and value is not None and is_id_number_in(value):
            raise _wrong("PERSON_NAMED", field.name)
        if isinstance(value, date):
            check_day(field.name, value, today)
        values[field.name] = value
    for name in sent.keys() - node.names:
        note_here("unknown_member", name)
    return values


def _sent(field: Field, sent: Mapping[str, Any], note: Note) -> Any:  # noqa: ANN401 -- JSON
    """A field's value under its own name, or else under another one."""
    raw = sent.get(field.name)
    for other in field.others if raw is None or raw in MISSING else ():
        raw = sent.get(other, raw)
        if raw is not None and raw not in MISSING:
            note("other_name", field.name)
    return raw


def _value(field: Field, raw: Any, note: Note) -> Any:  # noqa: ANN401 -- JSON
    if raw is None:
        return None
    if isinstance(raw, dict | list):
        if field.name != "exp_content":
            raise _wrong("FIELD_INVALID", field.name)
        note("object_as_text", field.name)
        raw = json.dumps(raw, ensure_ascii=False, default=str)
    if isinstance(raw, bool):
        note("boolean", field.name)
        raw = int(raw)
    told = str(raw)
    text = told.strip()
    if text in MISSING:
        if text:
            note("null_word", field.name)
        return None
    if text != told:
        note("trimmed", field.name)
    return READ[field.kind](field, text, note)


def _text(field: Field, text: str, note: Note) -> str:
    if field.name.endswith(FREE_TEXTS) and not text.isprintable():
        note("trimmed", field.name)
        text = " ".join(text.split())
    if field.name in ID_NUMBERS and SMALL_X.fullmatch(text):
        note("small_x", field.name)
    if len(text) > field.size or (not text.isprintable() and field.name != "exp_content"):
        raise _wrong("FIELD_INVALID", field.name)
    return text


def _fen(field: Field, text: str, note: Note) -> int:
    fen = _checked("AMOUNT_FORMAT", field, near_fen_of, text)
    if _has_more(text, 2) and Decimal(text) * 100 != fen:
        note("near_amount", field.name)
    return fen


def _has_more(text: str, scale: int) -> bool:
    """Whether a number's text may have more decimals than these."""
    point = text.find(".")
    return 0 <= point < len(text) - 1 - scale or "e" in text.lower()


def _number(field: Field, text: str, note: Note) -> str:
    number = _checked("FIELD_INVALID", field, decimal_of, text)
    written = f"{number:.{field.scale}f}"
    if _has_more(text, field.scale) and Decimal(written) != number:
        note("rounded", field.name)
    return written


def _whole(field: Field, text: str, _: Note) -> int:
    whole = _checked("FIELD_INVALID", field, lambda sent: whole_of(decimal_of(sent)), text)
    if abs(whole) >= 10**field.size:
        raise _wrong("FIELD_INVALID", field.name)
    return whole


def _checked(code: str, field: Field, convert: Callable[[str], N], text: str) -> N:
    try:
        return convert(text)
    except ValueError as error:
        raise _wrong(code, field.name) from error


READ: Mapping[str, Callable[[Field, str, Note], Any]] = {
    "s": _text,
    "m": _fen,
    "n": _number,
    "i": _whole,
    "d": lambda field, text, note: moment(field.name, text, note).date(),
    "t": lambda field, text, note: _moment(field.name, text, note),
}
"""How a field of each kind is read."""


def _moment(name: str, text: str, note: Note) -> datetime:
    """A moment; a day alone is its midnight."""
    read = moment(name, text, note)
    if len(text) <= DAY_SIZE:
        note("day_alone", name)
    return read


def moment(name: str, text: str, note: Note = unnoted) -> datetime:
    """A moment in Beijing time from any accepted form; 13 digits are milliseconds since 1970.

    Raises:
        ProblemError: DATE_INVALID.
    """
    try:
        if PUBLISHED.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=BEIJING)
        if text.isascii() and text.isdigit():
            read = _of_digits(text)
            note("epoch_date" if len(text) == MILLIS_SIZE else "date_form", name)
            return read
        for rank, shape in enumerate(MOMENTS):
            if (known := _read_as(shape, text)) is not None:
                if rank >= PUBLISHED_SHAPES:
                    note("us_date" if shape in US_SHAPES else "date_form", name)
                return known.replace(tzinfo=BEIJING)
        read = datetime.fromisoformat(text)
        note("date_form", name)
    except (ValueError, OverflowError, KeyError) as error:
        raise _wrong("DATE_INVALID", name) from error
    return read if read.tzinfo else read.replace(tzinfo=BEIJING)


def _of_digits(text: str) -> datetime:
    """The number of digits gives the format: a guess reads today's milliseconds as year 1772."""
    if len(text) == MILLIS_SIZE:
        return datetime.fromtimestamp(int(text) / 1000, BEIJING)
    return datetime.strptime(text, DIGITS[len(text)]).replace(tzinfo=BEIJING)


def _read_as(shape: str, text: str) -> datetime | None:
    try:
        return datetime.strptime(text, shape)  # noqa: DTZ007 -- `moment` adds the zone
    except ValueError:
        return None


def check_day(name: str, sent: date, today: date | None) -> None:
    """Refuse a day before 1900 or more than a year ahead of today.

    Raises:
        ProblemError: FIELD_INVALID.
    """
    if not is_within(sent, today):
        raise _wrong("FIELD_INVALID", name)


def month(text: str, today: date, name: str = "setlym") -> date:
    """The first day of a month written as yyyyMM in a field.

    Raises:
        ProblemError: DATE_INVALID; FIELD_INVALID, as `check_day`.
    """
    if len(text) != MONTH_SIZE:
        raise _wrong("DATE_INVALID", name)
    first = moment(name, f"{text}01").date()
    check_day(name, first, today)
    return first


def _wrong(code: str, field: str) -> ProblemError:
    return ProblemError(code, field=field)
