"""A verifier of tokens over HTTP: whose e-credential or social card it is.

POST JSON, 2xx with an answer, as the kinship registry. Anything else is no answer.
"""

import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import CredentialProof
from service.adapters.http_client import http_client
from service.ledger.store import StoreUnavailableError

TIMEOUT_S = 3.0
CACHE_MAX = 10_000
ACCEPT = "accept"


class VerifierUnavailableError(StoreUnavailableError):
    """The verifier gave no valid answer; nothing was applied."""


class Confirmation(NamedTuple):
    """A verifier's answer about a token: whose it is, by ID number.

    Without an ID number the verifier gave no answer, and the deployment accepts the token.
    """

    cert_no: str | None

    @property
    def proof(self) -> CredentialProof:
        """What the answer proves."""
        return CredentialProof.OUTAGE if self.cert_no is None else CredentialProof.VERIFIER


class Holder(BaseModel):
    """The ID number of a token's holder; null if the token is nobody's."""

    model_config = ConfigDict(extra="ignore", strict=True)

    cert_no: str | None


class CredentialVerifier:
    """The verifier of one deployment; `client` may carry its certificates.

    An answer counts for `cache_s` seconds, because a shown code may be verified only once. Without
    an answer the token is refused, or with `outage` "accept" accepted with a mark.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient | None = None,
        *,
        cache_s: float = 60.0,
        outage: str = "refuse",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = client or http_client(TIMEOUT_S)
        self._cache_s = cache_s
        self._accepts = outage == ACCEPT
        self._clock_s = clock_s
        self._answers: dict[bytes, tuple[float, Confirmation | None]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def confirm(self, kind: str, value: str) -> Confirmation | None:
        """Whose token it is; None if it is nobody's.

        Raises:
            VerifierUnavailableError: no valid answer in time, and an outage refuses.
        """
        key, now_s = hashlib.sha256(f"{kind}\0{value}".encode()).digest(), self._clock_s()
        until_s, known = self._answers.get(key, (now_s, None))
        if now_s < until_s:
            return known
        try:
            answer = await self._client.post(self._url, json={"type": kind, "value": value})
            answer.raise_for_status()
            cert_no = Holder.model_validate_json(answer.content).cert_no
        except (httpx.HTTPError, ValidationError) as error:
            if self._accepts:
                return Confirmation(None)
            raise VerifierUnavailableError(type(error).__name__) from None
        confirmed = None if cert_no is None else Confirmation(cert_no)
        self._answers.pop(key, None)
        self._answers[key] = (now_s + self._cache_s, confirmed)
        if len(self._answers) > CACHE_MAX:
            del self._answers[next(iter(self._answers))]
        return confirmed
