"""Answers about bills: quotes, settlements, refunds and holds."""

from typing import Literal

from pydantic import ConfigDict

from api.http.schemas import Absent, ApiModel, Maybe, Problem
from service.serializers import PAYER_REASONS

PayerReason = Literal[*PAYER_REASONS]  # type: ignore[valid-type]


class RankedAmount(ApiModel):
    """One payer's amount by rank; rank 0 is the patient's own account."""

    rank: int
    role: Literal["own", "sponsor"]
    amount: str


class Payer(RankedAmount):
    """One payer considered, in paying order; rank 0 is the patient's own account."""

    model_config = ConfigDict(extra="allow")

    reason: PayerReason | None
    account: str | Maybe = Absent
    binding_id: str | None = Absent


class ReturnedReply(ApiModel):
    """The money returned, in yuan, by kind of payer."""

    own: str
    aid: str
    cash: str


class BillSums(ReturnedReply):
    """The sums of a bill, in yuan: the whole, the fund's part, and the personal part by payer."""

    total: str
    fund_pay: str
    personal: str


class RemainderReply(BillSums):
    """What is left of a settlement after refunds, and who pays it."""

    payers: list[RankedAmount]


class SplitReply(BillSums):
    """A bill, split: own account first, then the sponsors in order, the rest in cash."""

    own_account: str
    payers: list[Payer]
    reasons: list[PayerReason]
    policy_edition: str


class PlanReply(SplitReply):
    """How a bill would be split now; show it, then settle with `plan_hash`."""

    plan_hash: str
    expires_at: str


class QuoteReply(PlanReply):
    """What settling now would answer; show it, then settle with `plan_hash`."""

    position: int


class SettlementReply(SplitReply):
    """A settlement. Own account first, then the sponsors in order, the rest in cash."""

    model_config = ConfigDict(extra="allow")

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed", "refused"]
    outcome: Literal["applied", "not_applied"]
    own_balance_after: str | None
    settled_at: str
    stays: RemainderReply | None = None
    changed: bool | Maybe = Absent
    beneficiary_account: str | Maybe = Absent
    position: int


class RefusedReply(ApiModel):
    """A claim that a rule refused, with its id and the rule's code."""

    settlement_id: str
    status: Literal["refused"]
    outcome: Literal["not_applied"]
    code: str
    position: int


class PartReply(ApiModel):
    """A settlement as a sponsor sees it: the own part."""

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    outcome: Literal["applied"]
    settled_at: str
    paid_by_you: str
    position: int


class CancellationReply(ApiModel):
    """A cancelled settlement."""

    settlement_id: str
    status: Literal["cancelled"]
    outcome: Literal["applied"]
    returned: ReturnedReply
    own_balance_after: str | None
    cancelled_at: str
    reason: str
    position: int


class ListedSettlement(BillSums):
    """A settlement in a list; `position` is where it was decided, `day` the business day."""

    settlement_id: str
    status: str
    outcome: Literal["applied", "not_applied"]
    code: str | None
    visit: str
    charge_batch: str
    day: str
    recorded_at: str
    cancelled_at: str | None
    version: int
    position: int


class SettlementsReply(ApiModel):
    """A page of settlements, newest first, refused claims included."""

    items: list[ListedSettlement]
    next: str | None


class ClaimAnswer(ApiModel):
    """The result of one claim of a batch: a `settlement`, or a `problem`.

    `status_code` and `outcome` are what the claim alone would get; `key` is null if it could not
    be read. `since` is the present status of a replayed settlement that was refunded, in part or
    whole; the settlement itself is replayed as it was answered.
    """

    key: str | None
    status_code: int
    outcome: Literal["applied", "not_applied", "unknown"]
    replayed: bool | None = None
    since: Literal["part_refunded", "cancelled", "reversed"] | None = None
    settlement: SettlementReply | None = None
    problem: Problem | None = None


class BatchReply(ApiModel):
    """The results of a batch's claims, in the batch's order."""

    items: list[ClaimAnswer]


class Refunded(ReturnedReply):
    """The money refunded: the sum, by kind of payer, and by payer."""

    amount: str
    payers: list[RankedAmount]


class RefundReply(ApiModel):
    """A partial refund, and what is left of the settlement."""

    settlement_id: str
    status: Literal["part_refunded"]
    outcome: Literal["applied"]
    refunded: Refunded
    stays: RemainderReply
    reason: str
    position: int


class ReplacementReply(SettlementReply):
    """A corrected bill, settled in place of another whose money was returned."""

    replaces: str
    returned: ReturnedReply


class ReversalReply(ApiModel):
    """A reversed command. With `tombstone` it had not arrived, and is refused if it does."""

    settlement_id: str | None
    status: Literal["reversed", "cancelled", "refused"]
    outcome: Literal["applied"]
    tombstone: bool
    returned: ReturnedReply
    position: int


class HoldReply(SplitReply):
    """A bill whose money is held; once captured, it names its settlement."""

    hold_id: str
    status: Literal["held", "captured", "released", "expired", "void"]
    outcome: Literal["applied"]
    held_at: str
    expires_at: str
    settlement_id: str | None
    position: int
