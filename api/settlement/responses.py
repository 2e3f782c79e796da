"""What is answered about a bill after it was decided, or before it is final."""

from typing import Literal

from pydantic import ConfigDict

from api.http.schemas import ApiModel, Problem
from service.serializers import PAYER_REASONS

PayerReason = Literal[*PAYER_REASONS]  # type: ignore[valid-type]


class Payer(ApiModel):
    """One payer considered, in paying order; rank 0 is the patient's own account."""

    model_config = ConfigDict(extra="allow")

    rank: int
    role: Literal["own", "sponsor"]
    amount: str
    reason: PayerReason | None


class ReturnedReply(ApiModel):
    """What went back, in yuan."""

    own: str
    aid: str
    cash: str


class RankedAmount(ApiModel):
    """One payer's amount by rank; rank 0 is the patient's own account."""

    rank: int
    role: Literal["own", "sponsor"]
    amount: str


class RemainderReply(ReturnedReply):
    """What of a settlement was not given back, and who pays it."""

    total: str
    fund_pay: str
    personal: str
    payers: list[RankedAmount]


class QuoteReply(ApiModel):
    """What settling now would answer; show it, then settle with `plan_hash`."""

    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    own_account: str
    payers: list[Payer]
    reasons: list[PayerReason]
    policy_edition: str
    plan_hash: str
    expires_at: str
    position: int


class SettlementReply(ApiModel):
    """A settlement. Own account first, then the sponsors in order, the rest in cash."""

    model_config = ConfigDict(extra="allow")

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed", "refused"]
    outcome: Literal["applied", "not_applied"]
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    own_account: str
    payers: list[Payer]
    own_balance_after: str | None
    reasons: list[PayerReason]
    policy_edition: str
    settled_at: str
    stays: RemainderReply | None = None
    position: int


class RefusedReply(ApiModel):
    """A claim that a rule refused: it has an id, and why."""

    settlement_id: str
    status: Literal["refused"]
    outcome: Literal["not_applied"]
    code: str
    position: int


class PartReply(ApiModel):
    """What a sponsor sees of a settlement: his own part."""

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    outcome: Literal["applied"]
    settled_at: str
    paid_by_you: str
    position: int


class CancellationReply(ApiModel):
    """A settlement taken back whole."""

    settlement_id: str
    status: Literal["cancelled"]
    outcome: Literal["applied"]
    returned: ReturnedReply
    own_balance_after: str | None
    cancelled_at: str
    reason: str
    position: int


class ListedSettlement(ApiModel):
    """A settlement in a list; `position` is where it was decided, `day` the business day."""

    settlement_id: str
    status: str
    outcome: Literal["applied", "not_applied"]
    code: str | None
    visit: str
    charge_batch: str
    day: str
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    recorded_at: str
    cancelled_at: str | None
    version: int
    position: int


class SettlementsReply(ApiModel):
    """A page of settlements, newest first; refused claims are among them."""

    items: list[ListedSettlement]
    next: str | None


class ClaimAnswer(ApiModel):
    """What became of one claim of a batch: a `settlement`, or a `problem`.

    `status_code` and `outcome` are what the claim would have got alone; `key` is null where
    none was readable. `since` stands beside a repeated settlement that was given back since, in
    part or whole: the settlement itself is repeated as it was answered.
    """

    key: str | None
    status_code: int
    outcome: Literal["applied", "not_applied", "unknown"]
    replayed: bool | None = None
    since: Literal["part_refunded", "cancelled", "reversed"] | None = None
    settlement: SettlementReply | None = None
    problem: Problem | None = None


class BatchReply(ApiModel):
    """What became of each claim of a batch, in the batch's order."""

    items: list[ClaimAnswer]


class Refunded(ReturnedReply):
    """What went back: the sum, by kind, and by payer."""

    amount: str
    payers: list[RankedAmount]


class RefundReply(ApiModel):
    """A part of a settlement given back, and what stays."""

    settlement_id: str
    status: Literal["part_refunded"]
    outcome: Literal["applied"]
    refunded: Refunded
    stays: RemainderReply
    reason: str
    position: int


class ReplacementReply(SettlementReply):
    """A corrected bill settled in the place of another, whose money went back."""

    replaces: str
    returned: ReturnedReply


class ReversalReply(ApiModel):
    """A command undone. As a `tombstone` it had not come, and never will."""

    settlement_id: str | None
    status: Literal["reversed", "cancelled", "refused"]
    outcome: Literal["applied"]
    tombstone: bool
    returned: ReturnedReply
    position: int


class HoldReply(ApiModel):
    """A bill whose money is set aside; captured, it names its settlement."""

    hold_id: str
    status: Literal["held", "captured", "released", "expired", "void"]
    outcome: Literal["applied"]
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    own_account: str
    payers: list[Payer]
    reasons: list[PayerReason]
    policy_edition: str
    held_at: str
    expires_at: str
    settlement_id: str | None
    position: int
