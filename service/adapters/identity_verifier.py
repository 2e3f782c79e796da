"""A verifier of identity proofs over HTTP, such as face checks.

POST JSON, 2xx with an answer, as the kinship registry. Anything else is no answer, and counts
as not verified.
"""

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import LinkEvidence
from service.adapters.http_client import http_client
from service.vault import Personal

TIMEOUT_S = 3.0
NOBODY = Personal("", "无名氏", "11010519000101001X")
"""Stands in for a person who does not exist, so that the answer takes as long."""


class Proof(BaseModel):
    """Whether the proof is the person's; null if the verifier cannot tell."""

    model_config = ConfigDict(extra="ignore", strict=True)

    holds: bool | None


class IdentityVerifier:
    """The verifier of one deployment; `client` may carry its certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = url
        self._client = client or http_client(TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def holds(self, person: Personal, kind: LinkEvidence, reference: str) -> bool | None:
        """Whether the proof of this kind and reference is the person's; None without an answer."""
        payload = {
            "person": {"cert_no": person.cert_no, "name": person.name},
            "kind": kind.lower(),
            "reference": reference,
        }
        try:
            answer = await self._client.post(self._url, json=payload)
            answer.raise_for_status()
            return Proof.model_validate_json(answer.content).holds
        except (httpx.HTTPError, ValidationError):
            return None
