"""What is answered about a bill after it was decided, or before it is final."""

from typing import Literal

from api.replies import SettlementReply
from api.reply_parts import Payer, PayerReason, RankedAmount, Reply, Returned, Stays


class Refunded(Returned):
    """What went back: the sum, by kind, and by payer."""

    amount: str
    payers: list[RankedAmount]


class RefundReply(Reply):
    """A part of a settlement given back, and what stays."""

    settlement_id: str
    status: Literal["part_refunded"]
    outcome: Literal["applied"]
    refunded: Refunded
    stays: Stays
    reason: str
    position: int


class ReplacementReply(SettlementReply):
    """A corrected bill settled in the place of another, whose money went back."""

    replaces: str
    returned: Returned


class ReversalReply(Reply):
    """A command undone. As a `tombstone` it had not come, and never will."""

    settlement_id: str | None
    status: Literal["reversed", "cancelled", "refused"]
    outcome: Literal["applied"]
    tombstone: bool
    returned: Returned
    position: int


class HoldReply(Reply):
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
