"""The strict types of members, the same for HTTP and for import lines.

Amounts are strings of yuan with two decimals; `fen` turns them into whole fen.
"""

import re
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from api.http.values.dates import is_within
from api.http.values.numbers import DIGITS_MAX
from service.person.free_text import holds_id_number, is_id_number_in

YUAN = r"(?:[0-8]?[0-9]{1,13}\.[0-9]{2}|90{13}\.00)"
"""Up to 90,000,000,000,000.00 yuan: the most that an amount may be."""
AMOUNT_PATTERN = rf"^{YUAN}$"
Amount = Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN), Field(examples=["64.25"])]
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
"""Printable ASCII without spaces: identifiers."""
UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
ShortText = Annotated[str, StringConstraints(pattern=rf"^[^{UNSEEN}]{{1,200}}$")]
"""A line of text without control, formatting and line-breaking characters."""


def _names_nobody(text: str) -> str:
    """Refuse a free text with an ID number in it, because erasure would not reach it."""
    if holds_id_number(text):
        raise PydanticCustomError("person_named", "an ID number")
    return text


Remark = Annotated[ShortText, AfterValidator(_names_nobody)]
"""A free text that is stored in the clear."""


def _is_no_person(identifier: str) -> str:
    """Refuse an identifier that contains an ID number."""
    if is_id_number_in(identifier):
        raise PydanticCustomError("person_named", "an ID number")
    return identifier


Reference = Annotated[Word, AfterValidator(_is_no_person)]
"""The caller's own identifier, stored in the clear."""
Label = Annotated[ShortText, AfterValidator(_is_no_person)]
"""What an institution calls a visit, or a charge batch."""
IdempotencyKey = Annotated[
    str, StringConstraints(pattern=r"^[ -~]{1,64}$"), AfterValidator(_is_no_person)
]
"""An Idempotency-Key as a member."""
PersonNo = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
CertNo = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9()-]{5,30}$")]
"""The number of an ID card or another certificate; personal data."""
RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
InstitutionCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")]
LINES_MAX = CLAIMS_MAX = 1000
NUMBER_MAX = 10**DIGITS_MAX - 1
Version = Annotated[int, Field(ge=0, le=NUMBER_MAX)]
"""The number of a stream's events."""


def _written_as(pattern: str) -> BeforeValidator:
    """Refuse other ways to write a date, such as seconds since 1970."""
    shape = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or shape.fullmatch(value) is None:
            raise PydanticCustomError("date_format", "not written as in RFC 3339")
        return value

    return BeforeValidator(check)


D = TypeVar("D", bound=date)


def dated(today: date | None) -> dict[str, Any]:
    """The pydantic context of a body: the last day that its dates may have."""
    return {"today": today}


def _within(sent: D, info: ValidationInfo) -> D:
    """Refuse a year outside of 1900 to next year."""
    if not is_within(sent, info.context["today"] if info.context else None):
        raise PydanticCustomError("out_of_bounds", "not between 1900 and a year ahead")
    return sent


def _within_a_term(sent: date) -> date:
    """Refuse a year outside of 1900 to 2199."""
    if not is_within(sent, None):
        raise PydanticCustomError("out_of_bounds", "not between 1900 and 2199")
    return sent


DAY_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN = r"[Tt ][0-9:]{8}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
Day = Annotated[date, Field(strict=False), _written_as(DAY_PATTERN), AfterValidator(_within)]
"""A day from 1900 to a year ahead."""
TermDay = Annotated[
    date, Field(strict=False), _written_as(DAY_PATTERN), AfterValidator(_within_a_term)
]
"""The first or last day of a long term, such as a binding's: from 1900 to 2199."""
Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    _written_as(DAY_PATTERN + TIME_PATTERN),
    AfterValidator(_within),
]
"""A moment with its offset (RFC 3339), from 1900 to a year ahead."""


def fen(amount: str) -> int:
    """Yuan with two decimals as whole fen: "64.25" is 6425, "-0.50" is -50."""
    return int(amount[:-3] + amount[-2:])


def maybe_fen(amount: str | None) -> int | None:
    """An optional amount in fen."""
    return None if amount is None else fen(amount)


class Body(BaseModel):
    """A body: no coercion, no unknown members."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NothingBody(Body):
    """An empty object."""


class ReasonBody(Body):
    """The reason of a change."""

    reason: Remark = "not stated"
