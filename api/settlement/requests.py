"""Requests about bills: claims, refunds, reversals and holds."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from api.http.fields import (
    CLAIMS_MAX,
    LINES_MAX,
    Amount,
    Body,
    IdempotencyKey,
    Label,
    Moment,
    Reference,
    Remark,
    Word,
)


class IdentityBody(Body):
    """How a person is identified at the counter."""

    type: Literal["person_no", "id_card", "social_card", "e_credential"]
    value: Word


class LineBody(Body):
    """One line of the personal part."""

    line: Reference
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


Lines = Annotated[tuple[LineBody, ...], Field(max_length=LINES_MAX, fail_fast=True)]


def _unless(value: bool | None) -> bool | None:  # noqa: FBT001 -- a validator
    """True is the same as not sent, so that it changes no digest of a claim."""
    return None if value else value


class ClaimBody(Body):
    """A patient's bill. `fund_pay` is the pooled fund's part; `lines` sum to the rest.

    With `use_aid` false the patient wants no sponsor to pay. `authoriser_code` is the code that a
    sponsor shows where the region requires it.
    """

    beneficiary: IdentityBody
    visit: Label
    charge_batch: Label
    med_type: Word
    treated_at: Moment
    total: Amount
    fund_pay: Amount
    use_account: bool = True
    lines: Lines | None = None
    credential: IdentityBody | None = None
    plan_hash: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")] | None = None
    use_aid: Annotated[bool | None, AfterValidator(_unless)] = None
    authoriser_code: Word | None = None


class KeyedClaimBody(ClaimBody):
    """A claim of a batch, with its idempotency key."""

    key: IdempotencyKey


class BatchBody(Body):
    """Claims to settle, each by itself, in this order."""

    claims: Annotated[tuple[KeyedClaimBody, ...], Field(max_length=CLAIMS_MAX, fail_fast=True)]


HOLD_DEFAULT_S, HOLD_MAX_S = 900, 30 * 86_400


class RefundLineBody(Body):
    """The amount to refund of one fee line."""

    line: Reference
    amount: Amount


class RefundBody(Body):
    """What to refund of the personal part: an amount, or amounts of lines."""

    amount: Amount | None = None
    lines: (
        Annotated[
            tuple[RefundLineBody, ...], Field(min_length=1, max_length=LINES_MAX, fail_fast=True)
        ]
        | None
    ) = None
    reason: Remark = "not stated"

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Accept either an amount or lines."""
        if (self.amount is None) == (self.lines is None):
            raise PydanticCustomError("one_of_both", "either amount or lines")
        return self


class ReversalBody(Body):
    """The key of a command whose outcome is not known."""

    key: IdempotencyKey


class HoldBody(ClaimBody):
    """A bill that is not final; its money is held for `expires_in` seconds."""

    expires_in: Annotated[int, Field(ge=1, le=HOLD_MAX_S)] = HOLD_DEFAULT_S


class CaptureBody(Body):
    """The final amounts of a held bill; without them the bill is as it was held."""

    total: Amount | None = None
    fund_pay: Amount | None = None
    lines: Lines | None = None

    @model_validator(mode="after")
    def whole(self) -> Self:
        """Accept all amounts or none."""
        is_absent = self.total is None
        if is_absent != (self.fund_pay is None) or (is_absent and self.lines is not None):
            raise PydanticCustomError("whole_bill", "total and fund_pay together")
        return self
