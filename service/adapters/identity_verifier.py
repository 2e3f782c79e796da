"""A verifier of identity proofs over HTTP: whether a face check or its like holds for a person.

It has the shape of the kinship registry: POST JSON, 2xx with an answer; anything else is no
answer, and what nobody confirmed counts as not verified.
"""

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import LinkEvidence
from service.vault import Personal

TIMEOUT_S = 3.0
NOBODY = Personal("", "无名氏", "11010519000101001X")
"""Who is asked about where there is no such person, so that the answer takes as long."""


class Proof(BaseModel):
    """The verifier's answer: whether the proof is this person's, or null where it cannot tell."""

    model_config = ConfigDict(extra="ignore", strict=True)

    holds: bool | None


class IdentityVerifier:
    """The verifier of one deployment; `client` may carry its certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        """Ask at this address."""
        self._url = url
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def holds(self, person: Personal, kind: LinkEvidence, reference: str) -> bool | None:
        """Whether a proof of this kind and reference is the person's; None without an answer."""
        asked = {
            "person": {"cert_no": person.cert_no, "name": person.name},
            "kind": kind.lower(),
            "reference": reference,
        }
        try:
            answer = await self._client.post(self._url, json=asked)
            answer.raise_for_status()
            return Proof.model_validate_json(answer.content).holds
        except (httpx.HTTPError, ValidationError):
            return None
