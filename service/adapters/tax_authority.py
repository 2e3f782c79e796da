"""The tax side that collects residents' premiums, over HTTP (policy.md §4).

Three operations, each safe to ask again: an order is known by the premium's id, so charging it
twice books it once. Only an answer that repeats the whole order is believed; whatever else
comes, or does not come, leaves the outcome unknown. Nothing personal is in an address.
"""

import asyncio
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from aggregates.policy.choices import PremiumType
from aggregates.premium.refusals import (
    BenefitUsedError,
    ClearedError,
    PremiumAlreadyPaidError,
    TaxRefusedError,
)
from aggregates.vocabulary import StreamId
from service.ledger.store import StoreUnavailableError

TIMEOUT_S = 5.0


class TaxUnavailableError(StoreUnavailableError):
    """This deployment has no tax side; nothing was applied."""


class TaxVerdict(StrEnum):
    """What the tax side says of an order."""

    CONFIRMED = "confirmed"
    REVERSED = "reversed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class TaxOrder(NamedTuple):
    """A premium as the tax side knows it: by our id, and whose it is by his ID number."""

    premium_id: StreamId
    cert_no: str
    insurance: PremiumType
    year: int
    amount_fen: int


class TaxAnswer(NamedTuple):
    """A verdict; `word` is the code of a refusal, or why nothing is known."""

    verdict: TaxVerdict
    word: str = ""
    receipt: str | None = None


REFUSALS = {
    "DUPLICATE": PremiumAlreadyPaidError,
    "BENEFIT_USED": BenefitUsedError,
    "CLEARED": ClearedError,
}
"""The tax side's reasons that have a word of ours; any other is TAX_REFUSED."""
EXPECTED = {
    "charges": {"confirmed", "refused"},
    "queries": {"confirmed", "refused", "not_found"},
    "reversals": {"reversed", "refused"},
}
"""What an operation may answer; anything else says nothing about it."""


class TaxReply(BaseModel):
    """What the tax side answers: the order once more, and what became of it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    order: str
    cert_no: str
    insurance: str
    year: int
    amount: str
    result: Literal["confirmed", "refused", "reversed", "pending", "not_found"]
    reason: str | None = None
    receipt: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")] | None = None


class Tax:
    """The tax side of one deployment; `client` may carry its certificates."""

    def __init__(
        self, url: str, client: httpx.AsyncClient | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Ask at this address, and wait so long for a whole answer."""
        self._url = url.rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=timeout_s, trust_env=False)
        self._timeout_s = timeout_s

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def charge(self, order: TaxOrder) -> TaxAnswer:
        """Book an order; asked again it answers what became of it."""
        return await self._ask("charges", order)

    async def query(self, order: TaxOrder) -> TaxAnswer:
        """What became of an order; NOT_FOUND is a no for this moment only."""
        return await self._ask("queries", order)

    async def reverse(self, order: TaxOrder) -> TaxAnswer:
        """Take a booked order back; asked again it answers what became of that."""
        return await self._ask("reversals", order)

    async def _ask(self, operation: str, order: TaxOrder) -> TaxAnswer:
        told = _told(order)
        try:
            async with asyncio.timeout(self._timeout_s):
                sent = await self._client.post(f"{self._url}/{operation}", json=told)
            sent.raise_for_status()
            answer = TaxReply.model_validate_json(sent.content)
        except (TimeoutError, httpx.TimeoutException):
            return _unknown("TIMEOUT")
        except httpx.HTTPStatusError:
            return _unknown("FAILED")
        except httpx.HTTPError:
            return _unknown("UNREACHABLE")
        except ValidationError:
            return _unknown("UNREADABLE")
        return _verdict(answer, told, EXPECTED[operation])


def _told(order: TaxOrder) -> dict[str, Any]:
    return {
        "order": order.premium_id,
        "cert_no": order.cert_no,
        "insurance": order.insurance.lower(),
        "year": order.year,
        "amount": f"{order.amount_fen // 100}.{order.amount_fen % 100:02d}",
    }


def _verdict(answer: TaxReply, told: dict[str, Any], expected: set[str]) -> TaxAnswer:
    if any(getattr(answer, name) != value for name, value in told.items()):
        return _unknown("MISMATCH")
    if answer.result not in expected:
        return _unknown("PENDING" if answer.result == "pending" else "UNREADABLE")
    verdict = TaxVerdict(answer.result)
    if verdict is TaxVerdict.REFUSED:
        return TaxAnswer(verdict, REFUSALS.get(answer.reason or "", TaxRefusedError).code())
    return TaxAnswer(verdict, receipt=answer.receipt)


def _unknown(why: str) -> TaxAnswer:
    return TaxAnswer(TaxVerdict.UNKNOWN, why)
