"""A ledger's pods over one object outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from service.adapters.checkpoint_store import store_of
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.ledger.codec import EventRow
from service.proof.outside import Outside
from service.proof.sealer import Sealer
from service.settings import Settings
from tests.object_store import ObjectStore
from tests.projections.recorded_families import families
from tests.service.read_models.following import a_store, append

EARLY, LATE = families(range(1, 10)).rows(), families(range(10, 20)).rows()


class Place(NamedTuple):
    """A key file and a pod's own directory, over one object outside."""

    path: Path
    store: ObjectStore
    made: list[Outside]

    @property
    def keys(self) -> Path:
        """The deployment's key file."""
        return self.path / "keys.json"

    def outside(self, key_file: Path | None = None) -> Outside:
        """The object as a new process sees it."""
        self.made.append(Outside(store_of(f"{self.store.address}/one"), key_file or self.keys))
        return self.made[-1]

    async def seal(self, dsn: str, pod: str = "pod") -> None:
        """Seal as a new process of a pod with a directory of its own."""
        (self.path / pod).mkdir(exist_ok=True)
        await Sealer(dsn, self.keys, self.path / pod, self.outside()).seal_now()


async def write(dsn: str, rows: list[EventRow]) -> int:
    """Add rows; the log's new head."""
    async with a_store(dsn) as store:
        return await append(store, rows)


@asynccontextmanager
async def a_context(dsn: str, place: Place, outside: Outside) -> AsyncIterator[ServiceContext]:
    """A house of a process that appends."""
    environment = {"GONGJI_DATA": str(place.path), "GONGJI_KEY_FILE": str(place.keys)}
    settings = Settings.read(environment)
    context = await open_postgres(settings, dsn, business_clock(), outside=outside)
    try:
        yield context
    finally:
        await context.close()
