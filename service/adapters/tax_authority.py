"""The tax authority, which collects residents' premiums, over HTTP (policy.md §4).

Its three operations are idempotent by the premium's id: charging an order twice books it once.
Only an answer that repeats the whole order is valid; without one the outcome is unknown. URLs
contain no personal data.
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
from service.adapters.http_client import http_client
from service.ledger.store import StoreUnavailableError

TIMEOUT_S = 5.0


class TaxUnavailableError(StoreUnavailableError):
    """This deployment has no tax authority; nothing was applied."""


class TaxVerdict(StrEnum):
    """The tax authority's verdict on an order."""

    CONFIRMED = "confirmed"
    REVERSED = "reversed"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class TaxOrder(NamedTuple):
    """A premium as sent to the tax authority: our id, and the payee's ID number."""

    premium_id: StreamId
    cert_no: str
    insurance: PremiumType
    year: int
    amount_fen: int


class TaxAnswer(NamedTuple):
    """A verdict; `word` is the code of a refusal, or why the outcome is unknown."""

    verdict: TaxVerdict
    word: str = ""
    receipt: str | None = None


REFUSALS = {
    "DUPLICATE": PremiumAlreadyPaidError,
    "BENEFIT_USED": BenefitUsedError,
    "CLEARED": ClearedError,
}
"""Our refusal for a reason of the tax authority; any other reason is TAX_REFUSED."""
EXPECTED = {
    "charges": {"confirmed", "refused"},
    "queries": {"confirmed", "refused", "not_found"},
    "reversals": {"reversed", "refused"},
}
"""Valid results by operation; any other leaves the outcome unknown."""


class TaxReply(BaseModel):
    """The tax authority's answer: the order repeated, and its result."""

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
    """The tax authority of one deployment; `client` may carry its certificates.

    It answers within `timeout_s` seconds, or its answer is unknown.
    """

    def __init__(
        self, url: str, client: httpx.AsyncClient | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url = url.rstrip("/")
        self._client = client or http_client(timeout_s)
        self.timeout_s = timeout_s

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def charge(self, order: TaxOrder) -> TaxAnswer:
        """Book an order; a repeated call answers its result."""
        return await self._ask("charges", order)

    async def query(self, order: TaxOrder) -> TaxAnswer:
        """The result of an order; NOT_FOUND may change, the order may still arrive."""
        return await self._ask("queries", order)

    async def reverse(self, order: TaxOrder) -> TaxAnswer:
        """Reverse a booked order; a repeated call answers the result."""
        return await self._ask("reversals", order)

    async def _ask(self, operation: str, order: TaxOrder) -> TaxAnswer:
        payload = _payload(order)
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self._client.post(f"{self._url}/{operation}", json=payload)
            response.raise_for_status()
            answer = TaxReply.model_validate_json(response.content)
        except (TimeoutError, httpx.TimeoutException):
            return _unknown("TIMEOUT")
        except httpx.HTTPStatusError:
            return _unknown("FAILED")
        except httpx.HTTPError:
            return _unknown("UNREACHABLE")
        except ValidationError:
            return _unknown("UNREADABLE")
        return _verdict(answer, payload, EXPECTED[operation])


def _payload(order: TaxOrder) -> dict[str, Any]:
    return {
        "order": order.premium_id,
        "cert_no": order.cert_no,
        "insurance": order.insurance.lower(),
        "year": order.year,
        "amount": f"{order.amount_fen // 100}.{order.amount_fen % 100:02d}",
    }


def _verdict(answer: TaxReply, payload: dict[str, Any], expected: set[str]) -> TaxAnswer:
    if any(getattr(answer, name) != value for name, value in payload.items()):
        return _unknown("MISMATCH")
    if answer.result not in expected:
        return _unknown("PENDING" if answer.result == "pending" else "UNREADABLE")
    verdict = TaxVerdict(answer.result)
    if verdict is TaxVerdict.REFUSED:
        return TaxAnswer(verdict, REFUSALS.get(answer.reason or "", TaxRefusedError).code())
    return TaxAnswer(verdict, receipt=answer.receipt)


def _unknown(why: str) -> TaxAnswer:
    return TaxAnswer(TaxVerdict.UNKNOWN, why)
