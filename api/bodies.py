"""What may be sent: strict shapes, the same for HTTP and for import lines.

Amounts are strings of yuan with two decimals; `fen` turns them into whole fen.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from service.person.free_text import holds_id_number

AMOUNT_PATTERN = r"^[0-9]{1,14}\.[0-9]{2}$"
Amount = Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN), Field(examples=["64.25"])]
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
"""Printable ASCII without spaces: identifiers."""
UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
Text = Annotated[str, StringConstraints(pattern=rf"^[^{UNSEEN}]{{1,200}}$")]
"""A line of text without control, formatting and line-breaking characters."""


def _names_nobody(text: str) -> str:
    """Refuse a free text with an ID number in it: no erasure would reach it."""
    if holds_id_number(text):
        raise PydanticCustomError("person_named", "an ID number")
    return text


Remark = Annotated[Text, AfterValidator(_names_nobody)]
"""A text that somebody writes as he likes, and that is kept in the clear."""
PersonNo = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
InstitutionCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")]
LINES_MAX = CLAIMS_MAX = 1000


def _written_as(pattern: str) -> BeforeValidator:
    """Refuse other ways to write a date, such as seconds since 1970 or a year nobody lives in."""
    shape = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or shape.fullmatch(value) is None:
            raise PydanticCustomError("date_format", "not written as in RFC 3339")
        return value

    return BeforeValidator(check)


DAY_PATTERN = "(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN = r"[Tt ][0-9:]{8}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
Day = Annotated[date, Field(strict=False), _written_as(DAY_PATTERN)]
Moment = Annotated[AwareDatetime, Field(strict=False), _written_as(DAY_PATTERN + TIME_PATTERN)]
"""A moment with its offset (RFC 3339)."""


def fen(amount: str) -> int:
    """Yuan with two decimals as whole fen: "64.25" is 6425, "-0.50" is -50."""
    return int(amount[:-3] + amount[-2:])


def maybe_fen(amount: str | None) -> int | None:
    """An optional amount in fen."""
    return None if amount is None else fen(amount)


class Body(BaseModel):
    """A body: nothing is guessed, nothing unknown is taken."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AccountBody(Body):
    """An insured person."""

    person_no: PersonNo
    name: Text
    cert_no: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9()-]{5,30}$")]
    insurance: Literal["employee", "resident"]
    region: RegionCode
    status: Literal[
        "normal",
        "retired",
        "suspended",
        "arrears",
        "frozen",
        "deceased",
        "transferred",
        "closed",
    ] = "normal"
    flags: tuple[Literal["public_medical_care"], ...] = ()
    reference: Word | None = None


class CreditBody(Body):
    """Money for an account."""

    amount: Amount
    bucket: Literal["current", "prior"] = "current"
    reference: Word | None = None


class StatusBody(Body):
    """How an account should stand."""

    status: Literal[
        "normal",
        "retired",
        "suspended",
        "arrears",
        "frozen",
        "deceased",
        "transferred",
        "closed",
    ]
    reason: Remark = "not stated"
    effective_on: Day | None = None
    successor: PersonNo | None = None
    reference: Word | None = None


class PayOutBody(Body):
    """What the agency paid out is called in its own books: to the estate, or to a new owner."""

    reference: Remark


class OrderBody(Body):
    """A deduction order: sponsors' person numbers, the first pays first."""

    sponsors: Annotated[tuple[PersonNo, ...], Field(max_length=100, fail_fast=True)]
    version: Annotated[int, Field(ge=0)] = 0


class CapsBody(Body):
    """The most a beneficiary may use of a sponsor's money; null is no limit."""

    per_settlement: Amount | None = None
    per_day: Amount | None = None
    per_month: Amount | None = None
    per_year: Amount | None = None


UseWord = Literal["care", "premium"]
RelationWord = Literal[
    "spouse",
    "parent",
    "child",
    "sibling",
    "grandparent",
    "grandparent_paternal",
    "grandparent_maternal",
    "grandchild",
    "grandchild_paternal",
    "grandchild_maternal",
    "parent_in_law",
]


class EvidenceBody(Body):
    """How a kinship is shown; a document needs its reference."""

    kind: Literal["promise", "document", "data_check"]
    reference: Word | None = None


class BindingBody(Body):
    """A sponsor's offer. An agency names the sponsor; a person is the sponsor himself.

    `consent` is the version of the text that the sponsor was shown (`GET /v1/consents`); of an
    import line, that both sides were shown.
    """

    sponsor: PersonNo | None = None
    beneficiary: PersonNo
    relation: RelationWord
    evidence: EvidenceBody | None = None
    consent: Word | None = None
    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] = ("care", "premium")
    caps: CapsBody = CapsBody()
    valid_from: Day | None = None
    valid_until: Day | None = None


class ConfirmationBody(Body):
    """A beneficiary's yes; `consent` is the version of the text that he was shown."""

    consent: Word | None = None


class GrantBody(Body):
    """What a sponsor changes of a grant; what is not sent stays."""

    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] | None = None
    caps: CapsBody | None = None
    valid_until: Day | None = None


class ProofBody(Body):
    """How a member's identity is proven: over 16 household page or face, else papers."""

    kind: Literal["household_page", "face", "birth_certificate", "notarised"]
    reference: Word


class LinkBody(Body):
    """A credential link. An agency names the guardian; a person is the guardian himself."""

    guardian: PersonNo | None = None
    member: PersonNo
    relation: RelationWord
    evidence: ProofBody


class PremiumBody(Body):
    """A relative's premium. An agency names the sponsor; a person is the sponsor himself."""

    sponsor: PersonNo | None = None
    payee: PersonNo
    insurance: Literal["resident_basic"]
    year: Annotated[int, Field(ge=2000, le=2199)]


class NothingBody(Body):
    """An empty object."""


class ReasonBody(Body):
    """Why."""

    reason: Remark = "not stated"


class IdentityBody(Body):
    """How a person is named at the counter."""

    type: Literal["person_no", "id_card", "social_card", "e_credential"]
    value: Word


class LineBody(Body):
    """One line of the personal part."""

    line: Word
    category: Literal[
        "drug",
        "service",
        "device",
        "consumable",
        "checkup",
        "vaccine",
        "disinfectant",
        "other",
    ]
    part: Literal["in_scope", "pre_self_pay", "over_limit", "full_self_pay"] = "in_scope"
    amount: Amount


class ClaimBody(Body):
    """A patient's bill. `fund_pay` is the pooled fund's part; `lines` sum to the rest."""

    beneficiary: IdentityBody
    visit: Text
    charge_batch: Text
    med_type: Word
    treated_at: Moment
    total: Amount
    fund_pay: Amount
    use_account: bool = True
    lines: Annotated[tuple[LineBody, ...], Field(max_length=LINES_MAX, fail_fast=True)] | None = (
        None
    )
    credential: IdentityBody | None = None
    plan_hash: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")] | None = None


class KeyedClaimBody(ClaimBody):
    """A claim of a batch, with the key it would have had in the header."""

    key: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]


class BatchBody(Body):
    """Claims to be settled, each by itself, in this order."""

    claims: Annotated[tuple[KeyedClaimBody, ...], Field(max_length=CLAIMS_MAX, fail_fast=True)]
