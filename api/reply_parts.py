"""Parts that several answers are made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.serializers import PAYER_REASONS

PayerReason = Literal[*PAYER_REASONS]  # type: ignore[valid-type]


class Reply(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Payer(Reply):
    """One payer considered, in paying order; rank 0 is the patient's own account."""

    model_config = ConfigDict(extra="allow")

    rank: int
    role: Literal["own", "sponsor"]
    amount: str
    reason: PayerReason | None


class Returned(Reply):
    """What went back, in yuan."""

    own: str
    aid: str
    cash: str


class RankedAmount(Reply):
    """One payer's amount by rank; rank 0 is the patient's own account."""

    rank: int
    role: Literal["own", "sponsor"]
    amount: str


class Stays(Returned):
    """What of a settlement was not given back, and who pays it."""

    total: str
    fund_pay: str
    personal: str
    payers: list[RankedAmount]
