"""What is sent and answered for reconciliation and clearing: bodies and replies."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.http.fields import Amount, Body, Day, IdempotencyKey, InstitutionCode, Remark, Word
from api.http.schemas import ApiModel

ITEMS_MAX = 50_000
Count = Annotated[int, Field(ge=0, le=10**9)]
Status = Literal["settled", "part_refunded", "cancelled", "reversed"]


class TotalsBody(Body):
    """A day's totals of bills that stand at its end; what is not sent is not compared."""

    count: Count
    total: Amount
    fund_pay: Amount | None = None
    own: Amount | None = None
    aid: Amount | None = None
    cash: Amount | None = None


class ItemBody(Body):
    """A bill of the day, by its Idempotency-Key, its settlement, or both."""

    key: IdempotencyKey | None = None
    settlement_id: Word | None = None
    status: Status = "settled"
    total: Amount
    aid: Amount

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.key is None and self.settlement_id is None:
            raise PydanticCustomError("missing", "neither key nor settlement_id")
        return self


class ReconciliationBody(Body):
    """A day as an institution has it. An agency names the institution."""

    day: Day
    totals: TotalsBody
    items: Annotated[tuple[ItemBody, ...], Field(max_length=ITEMS_MAX, fail_fast=True)] | None = (
        None
    )
    institution: InstitutionCode | None = None


class ClearingBody(Body):
    """The last business day that the institution was paid for."""

    through: Day
    reference: Remark | None = None


# ------------------------------------------------------------------ answers


class SumsReply(ApiModel):
    """How many bills, and their sums in yuan; null is what was not stated."""

    count: int | None
    total: str | None
    fund_pay: str | None
    own: str | None
    aid: str | None
    cash: str | None


class BothReply(ApiModel):
    """The day's totals on both sides."""

    service: SumsReply
    institution: SumsReply


class ServiceBill(ApiModel):
    """A bill as we have it at the day's end; what was taken back that day is taken off."""

    status: Status
    total: str
    fund_pay: str
    own: str
    aid: str
    cash: str


class InstitutionBill(ApiModel):
    """A bill as the institution lists it: so often, with these sums of its lines.

    `status` is null where its lines do not agree.
    """

    status: Status | None
    total: str
    aid: str
    listed: int


class BillDifferenceReply(ApiModel):
    """A bill that is not the same on both sides."""

    class_: Literal["SERVICE_ONLY", "INSTITUTION_ONLY", "AMOUNT", "STATUS", "DUPLICATE"] = Field(
        alias="class"
    )
    key: str | None
    settlement_id: str | None
    service: ServiceBill | None
    institution: InstitutionBill | None


class ReturnedBill(ServiceBill):
    """What went back on this day of a bill that was settled on an earlier `day`."""

    settlement_id: str
    day: str


class ReturnedSums(SumsReply):
    """What went back on this day of earlier days' bills."""

    items: list[ReturnedBill]


class ReconciliationReply(ApiModel):
    """A day compared. `equal` counts our bills without a difference; null without `items`.

    `final` says that the day is over: then the same question always has the same answer.
    """

    institution: str
    day: str
    final: bool
    result: Literal["equal", "different"]
    totals: BothReply
    equal: int | None
    differences: list[BillDifferenceReply]
    returned: ReturnedSums


class ClearedReply(ApiModel):
    """An institution was paid for what it settled up to and including a day."""

    institution: str
    cleared_through: str
    position: int


class ClearingDay(ApiModel):
    """A day's settled bills as it ended, what went back of earlier ones, and what is payable.

    `payable` is own and aid of both together; it may be below zero.
    """

    day: str
    settled: SumsReply
    returned: SumsReply
    payable: str


class ClearingReply(ApiModel):
    """A month of an institution, day by day and whole."""

    institution: str
    name: str
    month: str
    days: list[ClearingDay]
    settled: SumsReply
    returned: SumsReply
    payable: str
    cleared_through: str | None
