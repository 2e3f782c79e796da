"""A region's kinship registry over HTTP: asked before an invitation, its word kept in the log.

Decisions read the log alone; this only brings the log up to what the registry says. Without a
registry the imported households are all that is known.
"""

from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import Relation
from service.ledger.store import StoreUnavailableError
from service.vault import Personal

TIMEOUT_S = 3.0
RegistryRelation = Literal["spouse", "parent", "child", "sibling", "grandparent", "grandchild"]


class RegistryUnavailableError(StoreUnavailableError):
    """The registry did not answer, or not in its own words; nothing was applied."""


class RegistryReply(BaseModel):
    """The registry's answer: what the relative is to the person, or null."""

    model_config = ConfigDict(extra="ignore", strict=True)

    relation: RegistryRelation | None


class Registry:
    """The registry of one deployment; `client` may carry its certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        """Ask at this address."""
        self._url = url
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def relation(self, person: Personal, relative: Personal) -> Relation | None:
        """What `relative` is to `person`, or None where the registry knows of nothing.

        Raises:
            RegistryUnavailableError: no answer in time, or none that can be read.
        """
        asked = {"person": _named(person), "relative": _named(relative)}
        try:
            answer = await self._client.post(self._url, json=asked)
            answer.raise_for_status()
            word = RegistryReply.model_validate_json(answer.content).relation
        except (httpx.HTTPError, ValidationError) as error:
            raise RegistryUnavailableError(type(error).__name__) from error
        return None if word is None else Relation(word.upper())


def _named(person: Personal) -> dict[str, str]:
    return {"cert_no": person.cert_no, "name": person.name}
