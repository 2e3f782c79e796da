"""The uploaded file and the result file of 3202: a ZIP with one text of tab-separated rows."""

import base64
import io
import zipfile
from collections.abc import Sequence
from typing import Any

from aggregates.vocabulary import StatementWords
from api.his.wire.reading import MISSING
from api.http.problems import ProblemError
from api.http.values.numbers import decimal_of, near_fen_of, whole_of
from service.ids import short, twin
from service.reconciliation.fsi_statement import ComparedRow, Sent
from service.serializers import signed_yuan

SIZE_MAX = 16 * 1_048_576
ROWS_MAX = 100_000
COLUMNS_MIN = 7
BYTE_MIN, BYTE_MAX = -128, 255
REFUNDED = ("1", "001")
RESULTS = {
    StatementWords.NATIONAL: {"EQUAL": "0", "OURS_ONLY": "1", "THEIRS_ONLY": "2", "DIFFERENT": "3"},
    StatementWords.HUBEI: {
        "EQUAL": "000000",
        "OURS_ONLY": "000101",
        "THEIRS_ONLY": "000102",
        "DIFFERENT": "000103",
    },
}
TOTALS = {
    StatementWords.NATIONAL: {"EQUAL": "0", "DIFFERENT": "1"},
    StatementWords.HUBEI: RESULTS[StatementWords.HUBEI],
}
"""Of whole sums (3201) the national dictionary knows only 0, equal, and 1, unequal."""
WORDS = {
    "EQUAL": "平",
    "OURS_ONLY": "中心多",
    "THEIRS_ONLY": "机构多",
    "DIFFERENT": "金额不一致",
}


def bytes_of(value: Any) -> bytes:  # noqa: ANN401 -- JSON
    """A file as clients send it: a list of bytes, signed or not, Base64, or a form's part.

    Raises:
        ProblemError: FILE_INVALID.
    """
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, list):
            return bytes(_byte(number) for number in value)
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError) as error:
        raise ProblemError("FILE_INVALID", field="in") from error


def _byte(sent: object) -> int:
    """One byte of a list; -1 is 255, as in languages with signed bytes."""
    number = sent if type(sent) is int else whole_of(decimal_of(str(sent)))
    if not BYTE_MIN <= number <= BYTE_MAX:
        raise ValueError("no byte")
    return number & BYTE_MAX


def read_rows(raw: bytes) -> list[Sent]:
    """The rows of an uploaded file.

    Raises:
        ProblemError: FILE_INVALID.
    """
    lines = _text(raw).splitlines()
    if len(lines) > ROWS_MAX:
        raise ProblemError("TOO_MANY_LINES", field="in")
    return [_row(line) for line in lines if line.strip()]


def _text(raw: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            (file,) = (entry for entry in packed.infolist() if not entry.is_dir())
            if file.file_size > SIZE_MAX:
                raise ProblemError("FILE_INVALID", field="in")
            text = packed.read(file)
        return text.decode("utf-8-sig")
    # zipfile raises the last two for an unknown compression and for a file with a password
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
        raise ProblemError("FILE_INVALID", field="in") from error


def _row(line: str) -> Sent:
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) < COLUMNS_MIN:
        raise ProblemError("FILE_INVALID", field="in")
    number, visit, person_no, total, fund, account, refunded = fields[:COLUMNS_MIN]
    fens = (_fen(total), _fen(fund), _fen(account))
    return Sent(number, visit, person_no, refunded in REFUNDED or fens[0] < 0, *fens)


def _fen(text: str) -> int:
    if text in MISSING:
        return 0
    try:
        return near_fen_of(text)
    except ValueError as error:
        raise ProblemError("FILE_INVALID", field="in") from error


def result_file(rows: Sequence[ComparedRow], results: StatementWords) -> bytes:
    """result.txt in a ZIP: person, visit, bill, msgid, result, refunded, words, three sums."""
    text = "".join("\t".join(_columns(row, results)) + "\n" for row in rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("result.txt"), text.encode())
    return packed.getvalue()


def _columns(row: ComparedRow, results: StatementWords) -> tuple[str, ...]:
    verdict, entry, theirs = row.compared
    if entry is None:
        assert theirs is not None, "a row is on one side at least"
        sums = (theirs.total_fen, theirs.fund_fen, theirs.account_fen)
        number, is_refund = theirs.number, theirs.is_refund
    else:
        sums = (entry.total_fen, entry.fund_fen, entry.account_fen)
        number = twin(entry.settlement) if entry.is_refund else short(entry.settlement)
        is_refund = entry.is_refund
    flag = f"{is_refund:03d}" if results is StatementWords.HUBEI else f"{is_refund:d}"
    names = (row.person_no, row.visit, number, row.msgid)
    verdicts = (RESULTS[results][verdict], flag, WORDS[verdict])
    return tuple(text or "null" for text in (*names, *verdicts, *map(signed_yuan, sums)))
