"""A region's kinship registry over HTTP, asked before an invitation.

Its answers are recorded in the log, and decisions read the log only. Without a registry only
imported households are known.
"""

from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aggregates.vocabulary import Relation
from service.adapters.http_client import http_client
from service.ledger.store import StoreUnavailableError
from service.vault import Personal

TIMEOUT_S = 3.0
RegistryRelation = Literal["spouse", "parent", "child", "sibling", "grandparent", "grandchild"]


class RegistryUnavailableError(StoreUnavailableError):
    """The registry gave no valid answer; nothing was applied."""


class RegistryReply(BaseModel):
    """What the relative is to the person, or null."""

    model_config = ConfigDict(extra="ignore", strict=True)

    relation: RegistryRelation | None


class Registry:
    """The registry of one deployment; `client` may carry its certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = url
        self._client = client or http_client(TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def relation(self, person: Personal, relative: Personal) -> Relation | None:
        """What `relative` is to `person`, None if the registry has no entry.

        Raises:
            RegistryUnavailableError: no valid answer in time.
        """
        payload = {"person": _named(person), "relative": _named(relative)}
        try:
            answer = await self._client.post(self._url, json=payload)
            answer.raise_for_status()
            relation = RegistryReply.model_validate_json(answer.content).relation
        except (httpx.HTTPError, ValidationError) as error:
            raise RegistryUnavailableError(type(error).__name__) from error
        return None if relation is None else Relation(relation.upper())


def _named(person: Personal) -> dict[str, str]:
    return {"cert_no": person.cert_no, "name": person.name}
