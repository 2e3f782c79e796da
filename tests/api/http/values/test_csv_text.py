"""Tables for spreadsheets: Chinese survives, and nothing is calculated."""

import csv
import io

import pytest

from api.http.values.csv_text import csv_text


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("-44.25", "-44.25"),
        ("第一人民医院", "第一人民医院"),
        ('a"b,c\nd', 'a"b,c\nd'),
        (0, "0"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_cell_is_text_or_a_number(cell: object, expected: str) -> None:
    """What a spreadsheet would calculate gets an apostrophe (B19); a number below zero is none."""
    raw = csv_text([["head", cell]])

    assert raw.startswith(b"\xef\xbb\xbf")
    rows = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    assert [["head", expected]] == list(rows)
