"""Free texts are stored in clear, so they may name nobody.

Data sealed under a person's key is unreadable after an erasure; a text that names the person
would still be readable. So a text with an ID number, or with the account owner's name, is refused.
"""

import re
import unicodedata
from datetime import date

from aggregates.refusals import InputRefusedError
from aggregates.vocabulary import StreamId
from service.ledger.read_set import ReadSet
from service.person.unsealed import personal_of
from service.vault import Vault

MONTH, DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
ID_NUMBER = re.compile(f"[1-9][0-9]{{5}}(19|20)[0-9]{{2}}{MONTH}{DAY}[0-9]{{3}}[0-9Xx]")
"""A place, a day of birth, a number and a check digit (GB 11643), valid or misspelt."""
STANDS_ALONE = re.compile(
    rf"(?<![0-9])[1-9][0-9]{{5}}(?:(?:19|20)[0-9]{{2}}{MONTH}{DAY}[0-9]{{3}}[0-9Xx]"
    rf"|[-._/ ](?:19[0-9]{{2}}[-._/ ]?{MONTH}[-._/ ]?{DAY}[-._/ ]?[0-9]{{3}}[0-9Xx]"
    r"|20[0-9]{6}[-._/ ]?[0-9]{3}[Xx]))(?![0-9])"
)
"""An ID number inside an identifier: whole, or in parts that are not a region, a day and a count.

Identifiers consist of codes, days and counts. In a longer row of digits, or in parts with a day
of this century, they look like an ID number without being one.
"""
VALID = re.compile(
    "(?=((?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)[0-9]{4}"
    f"(?:19[0-9]{{2}}|20[01][0-9]){MONTH}{DAY}[0-9]{{3}}[0-9X]))"
)
"""A possible ID number anywhere in a row of digits: a province, and a day of birth before 2020.

Bills and messages are numbered by a code, a day and a count: with a day since 2020 one in eleven
of them would have a valid check digit.
"""
INSTITUTION = re.compile(f"(?<![0-9A-Za-z])[A-Z][0-9]{{11}}(?=[-_./: ]?20[2-9][0-9]{MONTH}{DAY})")
"""An institution's code before a day, as national messages and bills begin.

It is not part of an ID number, but with the day one code in four hundred would look like one.
"""
NOT_WORD = re.compile(r"[\W_]+")
LOOKS_LIKE_X = dict.fromkeys(map(ord, "x\u0425\u0445\u03a7\u03c7\u00d7"), "X")
"""Cyrillic and Greek letters, and the multiplication sign."""
ID_NUMBER_SIZE = 18
BETWEEN = re.compile(r"[\s\-.·_/]+")
"""What people write between the parts of a number, or of a name."""
NAME_MIN = 2
"""Characters of a name to search for: a single one is in too many words."""


class PersonNamedError(InputRefusedError):
    """A free text names a person; an erasure would not remove it."""


def holds_id_number(text: str) -> bool:
    """Whether a text contains something that looks like an ID number of 18 digits."""
    plain = _plain(text)
    return ID_NUMBER.search(_bare(plain)) is not None or _has_valid(plain)


def is_id_number_in(identifier: str) -> bool:
    """Whether an identifier (a key, a visit, a reference) contains an ID number of 18 digits.

    A number that stands alone may be misspelt. Among other digits, or with signs between its own,
    a number counts if its province, day of birth and check digit are valid.
    """
    plain = _plain(identifier)
    if len(plain) < ID_NUMBER_SIZE:
        return False
    return STANDS_ALONE.search(plain) is not None or _has_valid(INSTITUTION.sub("H", plain))


def _has_valid(plain: str) -> bool:
    return any(map(_is_valid, VALID.findall(NOT_WORD.sub("", plain))))


def _is_valid(number: str) -> bool:
    """Whether the day of birth exists, and the check digit is right (ISO 7064 MOD 11-2)."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    remainder = 0
    for digit in number[:-1]:
        remainder = (remainder + int(digit)) * 2 % 11
    return (remainder + (10 if number[-1] == "X" else int(number[-1]))) % 11 == 1


def _plain(text: str) -> str:
    """A text in one width, with the digits of every script and letters like X in ASCII."""
    if text.isascii():
        return text.replace("x", "X")
    wide = unicodedata.normalize("NFKC", text).translate(LOOKS_LIKE_X)
    return "".join(map(_digit, wide))


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def check_names_nobody(reads: ReadSet, vault: Vault, account_id: StreamId, text: str) -> None:
    """Refuse a text that contains the name of an account's owner: PersonNamedError."""
    personal = personal_of(reads, vault, account_id)
    name = _bare(personal.name) if personal is not None else ""
    if len(name) >= NAME_MIN and name in _bare(text):
        raise PersonNamedError


def _bare(text: str) -> str:
    """A text to compare: in one width and case, without separators."""
    return BETWEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
