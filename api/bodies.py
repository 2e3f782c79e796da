"""What may be sent: strict shapes, the same for HTTP and for import lines.

Amounts are strings of yuan with two decimals; `fen` turns them into whole fen.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

AMOUNT_PATTERN = r"^[0-9]{1,14}\.[0-9]{2}$"
Amount = Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN), Field(examples=["64.25"])]
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
"""Printable ASCII without spaces: identifiers."""
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""A line of text without control characters."""
PersonNo = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
InstitutionCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")]
LINES_MAX = 1000


def fen(amount: str) -> int:
    """Yuan with two decimals as whole fen: "64.25" is 6425."""
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
    reason: Text = "not stated"
    effective_on: date | None = None
    successor: PersonNo | None = None
    reference: Word | None = None


class OrderBody(Body):
    """A deduction order: sponsors' person numbers, the first pays first."""

    sponsors: Annotated[tuple[PersonNo, ...], Field(max_length=100)]
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


class BindingBody(Body):
    """A sponsor's offer. An agency names the sponsor; a person is the sponsor himself."""

    sponsor: PersonNo | None = None
    beneficiary: PersonNo
    relation: RelationWord
    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] = ("care", "premium")
    caps: CapsBody = CapsBody()
    valid_from: date | None = None
    valid_until: date | None = None


class GrantBody(Body):
    """What a sponsor changes of a grant; what is not sent stays."""

    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] | None = None
    caps: CapsBody | None = None
    valid_until: date | None = None


class NothingBody(Body):
    """An empty object."""


class ReasonBody(Body):
    """Why."""

    reason: Text = "not stated"


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
    treated_at: AwareDatetime
    total: Amount
    fund_pay: Amount
    use_account: bool = True
    lines: Annotated[tuple[LineBody, ...], Field(max_length=LINES_MAX)] | None = None
    credential: IdentityBody | None = None
    plan_hash: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")] | None = None


class InstitutionBody(Body):
    """A designated institution."""

    code: InstitutionCode
    name: Text
    class_: Literal["hospital", "pharmacy", "checkup"] = Field(alias="class")
    region: RegionCode
    status: Literal["active", "suspended", "ended"] = "active"
    opened_regions: tuple[RegionCode, ...] = ()
    sensitive: bool = False
    reference: Word | None = None
