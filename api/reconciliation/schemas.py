"""Bodies and replies of reconciliation and clearing."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.http.fields import Amount, Body, Day, IdempotencyKey, InstitutionCode, Remark, Word
from api.http.schemas import ApiModel

ITEMS_MAX = 50_000
Count = Annotated[int, Field(ge=0, le=10**9)]
Status = Literal["settled", "part_refunded", "cancelled", "reversed"]


class TotalsBody(Body):
    """A day's totals of valid bills at its end; a total that is not sent is not compared."""

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
    """A day by the institution's list. An agency names the institution."""

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
    """The number of bills, and their sums in yuan; null is a sum that was not stated."""

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
    """A bill of the ledger at the day's end, less what was returned on that day."""

    status: Status
    total: str
    fund_pay: str
    own: str
    aid: str
    cash: str


class InstitutionBill(ApiModel):
    """A bill in the institution's list: how often, and the sums of its lines.

    `status` is null if the lines have different ones.
    """

    status: Status | None
    total: str
    aid: str
    listed: int


class BillDifferenceReply(ApiModel):
    """A bill that differs between the two sides."""

    class_: Literal["SERVICE_ONLY", "INSTITUTION_ONLY", "AMOUNT", "STATUS", "DUPLICATE"] = Field(
        alias="class"
    )
    key: str | None
    settlement_id: str | None
    service: ServiceBill | None
    institution: InstitutionBill | None


class ReturnedBill(ServiceBill):
    """The amounts returned on this day of a bill that was settled on an earlier `day`."""

    settlement_id: str
    day: str


class ReturnedSums(SumsReply):
    """The sums returned on this day of bills of earlier days."""

    items: list[ReturnedBill]


class ReconciliationReply(ApiModel):
    """A compared day. `equal` counts the ledger's bills without a difference; null without `items`.

    `final` says that the day is over: then the answer never changes.
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
    """An institution was paid for its settlements up to and including a day."""

    institution: str
    cleared_through: str
    position: int


class ClearingSums(ApiModel):
    """The sums of settled and of returned bills, and what is payable for both.

    `payable` is own and aid of both together; it may be negative.
    """

    settled: SumsReply
    returned: SumsReply
    payable: str


class ClearingDay(ClearingSums):
    """A day's bills at its end, and returns of bills of earlier days."""

    day: str


class ClearingReply(ClearingSums):
    """A month of an institution, by day and in total."""

    institution: str
    name: str
    month: str
    days: list[ClearingDay]
    cleared_through: str | None
