"""What is answered of premiums: shapes for OpenAPI."""

from typing import Literal

from aggregates.vocabulary import PremiumStatus
from api.reply_parts import Reply as ReplyModel

STATUSES = tuple(status.value for status in PremiumStatus)


class PremiumReply(ReplyModel):
    """A relative's premium (person numbers). `reason` says why it was rejected.

    `held`, `sent_to_tax`, `unknown` and `reverse_requested` wait for the tax side; look again.
    """

    premium_id: str
    sponsor: str | None
    payee: str | None
    insurance: Literal["resident_basic"]
    year: int
    amount: str
    status: Literal[*STATUSES]  # type: ignore[valid-type]
    reason: str | None
    receipt: str | None
    policy_edition: str
    held_at: str
    confirmed_at: str | None
    version: int
    position: int
