"""Reads what hospitals' clients really send: tolerant of form, strict about values.

Accepted are numbers or strings, empty strings, nulls and the word "null", UTF-8 or GBK, an object
or a text that holds one. Values are typed by the field tables: amounts in fen, moments aware.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from aggregates.vocabulary import BEIJING
from api.his.wire.field_tables import Field, FieldNode, Transaction
from api.http.problems import ProblemError
from api.http.values.dates import is_within
from api.http.values.numbers import decimal_of, near_fen_of, whole_of
from service.person.free_text import is_id_number_in

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
"""The last two are what a common runtime writes of a date without a format."""
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
MILLIS_SIZE = 13
MONTH_SIZE = 6

Values = dict[str, Any]
N = TypeVar("N")


def read_json(raw: bytes) -> tuple[Any, bool]:
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
            text = raw.decode("gb18030")
        except UnicodeDecodeError as error:
            raise ProblemError("JSON_INVALID") from error
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
) -> dict[str, Any]:
    """The typed nodes of an input, each an object of values or a list of them.

    `today` is the business day, which bounds dates.

    Raises:
        ProblemError: FIELD_REQUIRED, FIELD_INVALID, AMOUNT_FORMAT, DATE_INVALID, TOO_MANY_LINES.
    """
    sent = unfold(sent) if isinstance(sent, str) and sent.strip() else sent
    if not isinstance(sent, Mapping):
        raise _wrong("FIELD_REQUIRED", "input")
    first = transaction.takes[0]
    values = {node: _find(node, sent, is_first=node == first) for node in transaction.takes}
    return {node.name: _node(node, value, today) for node, value in values.items()}


def _node(node: FieldNode, value: Any, today: date | None) -> Any:  # noqa: ANN401 -- JSON
    if not node.is_list:
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        if not isinstance(value, Mapping):
            raise _wrong("FIELD_REQUIRED", node.name)
        return read_fields(node, value, today)
    if value is None:
        return []
    rows = value if isinstance(value, list) else [value]
    if len(rows) > LINES_MAX:
        raise _wrong("TOO_MANY_LINES", node.name)
    if not all(isinstance(row, Mapping) for row in rows):
        raise _wrong("FIELD_INVALID", node.name)
    return [read_fields(node, row, today) for row in rows]


def _find(node: FieldNode, sent: Mapping[str, Any], *, is_first: bool) -> Any:  # noqa: ANN401
    """A node under its own name; the first one also under a common name, or without a name.

    `sign_in` is `signIn`: some clients write every name with underscores.
    """
    by_name = {_plain(name): value for name, value in sent.items()}
    for name in (node.name, "data", "mdtrtinfo") if is_first else (node.name,):
        value = by_name.get(_plain(name))
        if value is not None and value not in MISSING:
            return unfold(value)
    is_flat = is_first and not any(isinstance(value, Mapping | list) for value in sent.values())
    return sent if is_flat and not node.is_list else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def read_fields(node: FieldNode, sent: Mapping[str, Any], today: date | None = None) -> Values:
    """One object's fields; members that the table does not have are ignored.

    Raises:
        ProblemError: as `read_input`.
    """
    values: Values = {}
    for field in node.fields:
        raw = sent.get(field.name)
        for other in field.others if raw is None or raw in MISSING else ():
            raw = sent.get(other, raw)
        value = _value(field, raw)
        if value is None and field.is_required:
            raise _wrong("FIELD_REQUIRED", field.name)
        if field.name in STORED_TEXTS and value is not None and is_id_number_in(value):
            raise _wrong("PERSON_NAMED", field.name)
        if isinstance(value, date):
            check_day(field.name, value, today)
        values[field.name] = value
    return values


def _value(field: Field, raw: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(raw, Mapping | list):
        if field.name != "exp_content":
            raise _wrong("FIELD_INVALID", field.name)
        raw = json.dumps(raw, ensure_ascii=False, default=str)
    text = "" if raw is None else str(int(raw) if isinstance(raw, bool) else raw).strip()
    if text in MISSING:
        return None
    return READ[field.kind](field, text)


def _text(field: Field, text: str) -> str:
    if field.name.endswith(FREE_TEXTS) and not text.isprintable():
        text = " ".join(text.split())
    if len(text) > field.size or (not text.isprintable() and field.name != "exp_content"):
        raise _wrong("FIELD_INVALID", field.name)
    return text


def _fen(field: Field, text: str) -> int:
    return _checked("AMOUNT_FORMAT", field, near_fen_of, text)


def _number(field: Field, text: str) -> str:
    number = _checked("FIELD_INVALID", field, decimal_of, text)
    return f"{number:.{field.scale}f}"


def _whole(field: Field, text: str) -> int:
    whole = _checked("FIELD_INVALID", field, lambda sent: whole_of(decimal_of(sent)), text)
    if abs(whole) >= 10**field.size:
        raise _wrong("FIELD_INVALID", field.name)
    return whole


def _checked(code: str, field: Field, convert: Callable[[str], N], text: str) -> N:
    try:
        return convert(text)
    except ValueError as error:
        raise _wrong(code, field.name) from error


READ: Mapping[str, Callable[[Field, str], Any]] = {
    "s": _text,
    "m": _fen,
    "n": _number,
    "i": _whole,
    "d": lambda field, text: moment(field.name, text).date(),
    "t": lambda field, text: moment(field.name, text),
}
"""How a field of each kind is read."""


def moment(name: str, text: str) -> datetime:
    """A moment in Beijing time from any accepted form; 13 digits are milliseconds since 1970.

    Raises:
        ProblemError: DATE_INVALID.
    """
    try:
        if text.isascii() and text.isdigit():
            return _of_digits(text)
        for shape in MOMENTS:
            if (read := _read_as(shape, text)) is not None:
                return read.replace(tzinfo=BEIJING)
        read = datetime.fromisoformat(text)
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


def month(text: str, today: date) -> date:
    """The first day of a month written as yyyyMM.

    Raises:
        ProblemError: DATE_INVALID; FIELD_INVALID, as `check_day`.
    """
    if len(text) != MONTH_SIZE:
        raise _wrong("DATE_INVALID", "setlym")
    first = moment("setlym", f"{text}01").date()
    check_day("setlym", first, today)
    return first


def _wrong(code: str, field: str) -> ProblemError:
    return ProblemError(code, field=field)
