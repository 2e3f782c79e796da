"""Tables as CSV that a spreadsheet opens as text, Chinese included, never as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""The byte order mark by which Excel recognises UTF-8."""
CSV = "text/csv"
FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""First characters of cells that a spreadsheet calculates (ASVS 1.2.10), also full-width."""
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_text(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV (RFC 4180) in UTF-8 with a byte order mark; None is an empty cell."""
    text = io.StringIO(newline="")
    text.write(BOM)
    csv.writer(text).writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A cell as text; an apostrophe prevents a formula. A number is no formula."""
    cell = "" if value is None else str(value)
    if FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
