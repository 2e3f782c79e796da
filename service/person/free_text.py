"""Free texts that people write into the log in the clear: they name nobody.

What is sealed under a person's key is unreadable once he is erased; a text that names him would
not be. So one that holds an ID number, or the name of him whose file it is, is refused.
"""

import re
import unicodedata

from aggregates.refusals import InputRefusedError
from aggregates.vocabulary import StreamId
from service.ledger.read_set import View
from service.vault import Keys

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
ID_NUMBER_SIZE = 18
BETWEEN = re.compile(r"[\s\-.·_/]+")
"""What people write between the parts of a number, or of a name."""
NAME_MIN = 2
"""Signs of a name that may be looked for: one alone is in too many words."""


class PersonNamedError(InputRefusedError):
    """A free text names a person; erasure could not reach it."""


def holds_id_number(text: str) -> bool:
    """Whether a text holds something that looks like an ID number of 18 digits."""
    return ID_NUMBER.search(_bare(text)) is not None


def is_id_number_in(identifier: str) -> bool:
    """Whether an identifier (a key, a visit, a reference) has an ID number of 18 digits in it."""
    if len(identifier) < ID_NUMBER_SIZE:
        return False
    return STANDS_ALONE.search(unicodedata.normalize("NFKC", identifier)) is not None


def check_names_nobody(view: View, keys: Keys, account_id: StreamId, text: str) -> None:
    """Look for the name of an account's holder in a text; an erased one has none.

    Raises:
        PersonNamedError: it stands there.
    """
    sealed, wrapped = view.person(account_id)
    personal = keys.unseal(sealed, wrapped, account_id)
    name = _bare(personal.name) if personal is not None else ""
    if len(name) >= NAME_MIN and name in _bare(text):
        raise PersonNamedError


def _bare(text: str) -> str:
    """A text as it is compared: one width, one case, nothing between the signs."""
    return BETWEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
