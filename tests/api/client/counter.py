"""A hospital's counter with small bills, and what the ledger says of them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregates.settlement.events import Settled
from gongji_client import AsyncClient, Client, fen
from gongji_client.shapes import ClaimJson
from service.ledger.memory_store import MemoryStore
from tests.api.client.losing import Losing, a_blocking_client, a_client
from tests.api.clients import HOSPITAL, Desk


class Stand(NamedTuple):
    """What the ledger holds: settlements, also those taken back, and the patient's fen."""

    settlements: int
    fen: int


@dataclass
class Counter:
    """A hospital's counter, whose way to the service may lose answers."""

    desk: Desk
    _visits: Iterator[int] = field(default_factory=itertools.count)

    def bill(self) -> ClaimJson:
        """A bill of a new visit, of which the patient's own account pays 0.01."""
        return {
            "beneficiary": {"type": "person_no", "value": "P1"},
            "visit": f"visit-{next(self._visits)}",
            "charge_batch": "1",
            "med_type": "11",
            "treated_at": "2026-03-02T10:15:00+08:00",
            "total": "0.02",
            "fund_pay": "0.01",
        }

    async def stand(self) -> Stand:
        """How the ledger stands now."""
        store = self.desk.context.store
        assert isinstance(store, MemoryStore)
        made = sum(isinstance(recorded.event, Settled) for recorded in store.log)
        return Stand(made, fen(await self.desk.balance("P1")))

    async def moved(self, before: Stand) -> Stand:
        """What changed since then."""
        now = await self.stand()
        return Stand(now.settlements - before.settlements, now.fen - before.fen)

    def losing(self, faults: Sequence[str] = ()) -> Losing:
        """A way to the service on which the first attempts meet these faults."""
        return Losing(self.desk, faults)

    def client(self, faults: Sequence[str] | Losing = ()) -> AsyncClient:
        """An awaiting client on such a way."""
        way = faults if isinstance(faults, Losing) else self.losing(faults)
        return a_client(self.desk, HOSPITAL, way)

    def blocking(self, way: Losing | None = None) -> Client:
        """A blocking client on such a way; call it in another thread."""
        return a_blocking_client(self.desk, HOSPITAL, way or self.losing())
