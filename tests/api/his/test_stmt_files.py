"""Statement files that cannot be read: every one is told to be so, none is a bug of ours."""

import io
import zipfile

import pytest

from api.his.transactions.statement_files import SIZE_MAX, read_rows
from api.http.problems import ProblemError

ROW = "S1\tV1\tP1\t10.00\t4.00\t6.00\t0\n"
FLAGS, PACKING = 6, 8
"""Where a file's flags and packing stand behind its signature; two bytes later in the directory."""


def packed(*texts: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
        for number, text in enumerate(texts):
            file.writestr(f"{number}.txt", text)
    return raw.getvalue()


def changed(at: int, value: int) -> bytes:
    """A file whose headers say something else about how it is packed."""
    raw = bytearray(packed(ROW))
    raw[raw.index(b"PK\x03\x04") + at] = value
    raw[raw.index(b"PK\x01\x02") + at + 2] = value
    return bytes(raw)


BROKEN = {
    "no zip": ROW.encode(),
    "cut off": packed(ROW)[:-10],
    "empty": packed(),
    "two files": packed(ROW, ROW),
    "under a password": changed(FLAGS, 1),
    "packed in an unknown way": changed(PACKING, 99),
    "too large when unpacked": packed(" " * (SIZE_MAX + 1)),
    "too few columns": packed("S1\tV1\n"),
    "no amount": packed(ROW.replace("10.00", "ten")),
    "half a fen": packed(ROW.replace("10.00", "10.005")),
}


def test_a_file_is_read() -> None:
    """What the broken ones are made from is a good one."""
    (row,) = read_rows(packed(ROW))
    assert 1000 in row


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_cannot_be_read(raw: bytes) -> None:
    """It is refused by its code."""
    with pytest.raises(ProblemError) as refused:
        read_rows(raw)
    assert "FILE_INVALID" == refused.value.code
