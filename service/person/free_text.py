"""Free texts that people write into the log in the clear: they name nobody.

What is sealed under a person's key is unreadable once he is erased; a text that names him would
not be. So one that holds an ID number, or the name of him whose file it is, is refused.
"""

import re
import unicodedata
from datetime import date

from aggregates.refusals import InputRefusedError
from aggregates.vocabulary import StreamId
from service.ledger.read_set import ReadSet
from service.vault import Vault

ID_NUMBER = re.compile(
    "[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
)
"""A place, a day of birth, a number and a check digit (GB 11643), well made or misspelt."""
STANDS_ALONE = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:"
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
    r"|[-._/ ](?:19[0-9]{2}[-._/ ]?(?:0[1-9]|1[0-2])[-._/ ]?(?:0[1-9]|[12][0-9]|3[01])[-._/ ]?"
    r"[0-9]{3}[0-9Xx]|20[0-9]{6}[-._/ ]?[0-9]{3}[Xx])"
    r")(?![0-9])"
)
"""An ID number as a part of an identifier: whole, or in parts that are no region, day and count.

Identifiers are made of codes, days and counts: in a longer row of digits, or in parts with a day
of this century, they look like an ID number and are none.
"""
WELL_MADE = re.compile(
    "(?=((?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)[0-9]{4}"
    "(?:19[0-9]{2}|20[01][0-9])(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]))"
)
"""What may be an ID number at any place of a row of digits: a province, and a day before 2020.

Bills and messages are numbered by a code, their own day and a count: with a day since 2020 one in
eleven of them would have a right check digit.
"""
INSTITUTION = re.compile(
    "(?<![0-9A-Za-z])[A-Z][0-9]{11}"
    "(?=[-_./: ]?20[2-9][0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))"
)
"""An institution's code before a day: messages and bills of the national form begin so.

It is no part of an ID number; together with the day, one code in four hundred could look so.
"""
NOT_WORD = re.compile(r"[\W_]+")
LOOKS_LIKE_X = dict.fromkeys(map(ord, "x\u0425\u0445\u03a7\u03c7\u00d7"), "X")
"""Cyrillic, Greek, and the sign of multiplication."""
ID_NUMBER_SIZE = 18
BETWEEN = re.compile(r"[\s\-.·_/]+")
"""What people write between the parts of a number, or of a name."""
NAME_MIN = 2
"""Signs of a name that may be looked for: one alone is in too many words."""


class PersonNamedError(InputRefusedError):
    """A free text names a person; erasure could not reach it."""


def holds_id_number(text: str) -> bool:
    """Whether a text holds something that looks like an ID number of 18 digits."""
    plain = _plain(text)
    return ID_NUMBER.search(_bare(plain)) is not None or _has_well_made(plain)


def is_id_number_in(identifier: str) -> bool:
    """Whether an identifier (a key, a visit, a reference) has an ID number of 18 digits in it.

    One that stands alone may be misspelt. Among other digits, or with signs at any place between
    its own, one counts if its province, its day of birth and its check digit are right.
    """
    plain = _plain(identifier)
    if len(plain) < ID_NUMBER_SIZE:
        return False
    return STANDS_ALONE.search(plain) is not None or _has_well_made(INSTITUTION.sub("H", plain))


def _has_well_made(plain: str) -> bool:
    return any(map(_is_well_made, WELL_MADE.findall(NOT_WORD.sub("", plain))))


def _is_well_made(number: str) -> bool:
    """Whether a number has a day of the calendar, and the check digit of ISO 7064 MOD 11-2."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    remainder = 0
    for digit in number[:-1]:
        remainder = (remainder + int(digit)) * 2 % 11
    return (remainder + (10 if number[-1] == "X" else int(number[-1]))) % 11 == 1


def _plain(text: str) -> str:
    """A text of one width, with the digits of every script and what looks like an X in ASCII."""
    if text.isascii():
        return text.replace("x", "X")
    wide = unicodedata.normalize("NFKC", text).translate(LOOKS_LIKE_X)
    return "".join(map(_digit, wide))


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def check_names_nobody(reads: ReadSet, vault: Vault, account_id: StreamId, text: str) -> None:
    """Look for the name of an account's holder in a text; an erased one has none.

    Raises:
        PersonNamedError: it stands there.
    """
    sealed, wrapped = reads.person(account_id)
    personal = vault.unseal(sealed, wrapped, account_id)
    name = _bare(personal.name) if personal is not None else ""
    if len(name) >= NAME_MIN and name in _bare(text):
        raise PersonNamedError


def _bare(text: str) -> str:
    """A text as it is compared: one width, one case, nothing between the signs."""
    return BETWEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
