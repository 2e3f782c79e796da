"""Decides settled bills beside the rules in force, under an edition that is yet to begin.

An edition with `shadow_from` is tried on every bill that is settled from that day until it takes
effect. It follows the log, reads the states that the decision read, and decides again; no answer
and no stored row depends on it. What it finds are counts, and a stream of differences: a line of
JSON for each bill that would cost somebody something else. After `BILLS_MAX` bills of an edition
it stops for that edition. A hold's bill is not tried: it was split when it was held.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from msgspec import json

from aggregates.policy.edition import Edition, in_shadow
from aggregates.settlement.events import Settled
from aggregates.settlement.family import Family
from aggregates.settlement.remedies import DecidedBill
from aggregates.vocabulary import StreamId
from service.audit.why import decided_bill
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import READER

LOG = logging.getLogger("gongji.shadow")
BILLS_MAX = 100_000
PAGE = 200
LOOK_EVERY_S, RETRY_S = 1.0, 30.0
FILE = "shadow-differences.ndjson"
"""The stream of differences, in the data directory of the process that shadows."""
SETTINGS = {
    "role": READER,
    "application_name": "gongji-shadow",
    "idle_session_timeout": "0",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.shadow'), hashtext(current_schema()))"
ShadowDifference = dict[str, Any]


class CountShadow(Protocol):
    """Counts a bill that was decided under an edition in shadow."""

    def __call__(self, edition: str, /, *, is_changed: bool) -> None:
        """CountShadow it; `is_changed` where it would cost somebody else something."""
        ...


class Shadow:
    """The shadow decisions of one process. `decided` and `changed` count bills by edition."""

    def __init__(
        self,
        context: ServiceContext,
        tell: Callable[[ShadowDifference], None],
        bills_max: int = BILLS_MAX,
        count: CountShadow | None = None,
    ) -> None:
        self._context = context
        self._tell = tell
        self._count = count
        self._bills_max = bills_max
        self.position = 0
        self.decided: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()

    def is_wanted(self) -> bool:
        """Whether any edition has a shadow."""
        book = self._context.policies
        return any(e.shadow_from for editions in book.by_region.values() for e in editions)

    async def look(self) -> None:
        """Try every bill that was settled since the last look."""
        while page := await self._context.store.page(self.position, PAGE):
            for recorded in page:
                if isinstance(recorded.event, Settled) and recorded.event.hold is None:
                    await self._beside(recorded, recorded.event)
                self.position = recorded.position

    async def _beside(self, recorded: Recorded, settled: Settled) -> None:
        shadows = self._shadows(settled)
        if not shadows:
            return
        bill = await decided_bill(self._context, recorded.stream, settled)
        family = under(bill.family, shadows)
        used = [e for e in _editions(family) if e in shadows.values()]
        if family == bill.family or all(self.is_over(e) for e in used):
            return
        self._compare(recorded, settled, bill._replace(family=family), used)

    def _compare(
        self, recorded: Recorded, settled: Settled, bill: DecidedBill, used: list[Edition]
    ) -> None:
        split = bill.split()
        was = (settled.own_fen, settled.aid_fen, settled.cash_fen)
        now = (split.own_fen, split.aid_fen, split.cash_fen)
        names = [edition.id for edition in used]
        self.decided.update(names)
        if self._count is not None:
            for name in names:
                self._count(name, is_changed=was != now)
        if was == now:
            return
        self.changed.update(names)
        self._tell(
            {
                "editions": names,
                "settlement_id": recorded.stream,
                "position": recorded.position,
                "recorded_fen": dict(zip(("own", "aid", "cash"), was, strict=True)),
                "shadow_fen": dict(zip(("own", "aid", "cash"), now, strict=True)),
            }
        )

    def is_over(self, edition: Edition) -> bool:
        """Whether the bound has stopped an edition's shadow."""
        return self.decided[edition.id] >= self._bills_max

    def _shadows(self, settled: Settled) -> dict[str, Edition]:
        """The shadow editions of the day, by region."""
        book = self._context.policies
        found = {region: in_shadow(book.editions(region), settled.on) for region in book.regions()}
        return {region: edition for region, edition in found.items() if edition is not None}


def under(family: Family, shadows: dict[str, Edition]) -> Family:
    """A family under the shadow editions of its regions."""
    sponsors: dict[StreamId, Any] = {
        who: sponsor._replace(edition=shadows.get(sponsor.account.region, sponsor.edition))
        for who, sponsor in family.sponsors.items()
    }
    edition = shadows.get(family.account.region, family.edition)
    return family._replace(edition=edition, sponsors=sponsors)


def _editions(family: Family) -> list[Edition]:
    editions = [family.edition, *(sponsor.edition for sponsor in family.sponsors.values())]
    return list({edition.id: edition for edition in editions}.values())


# ------------------------------------------------------------------ beside a service


@asynccontextmanager
async def shadowed(
    context: ServiceContext, dsn: str, data: Path, count: CountShadow
) -> AsyncIterator[Shadow]:
    """Try bills in the background while something runs, in one process of the deployment."""
    file = data / FILE

    def tell(difference: ShadowDifference) -> None:
        with file.open("ab") as stream:
            stream.write(json.encode(difference) + b"\n")

    shadow = Shadow(context, tell, count=count)
    shadow.position = await context.store.position()
    task = asyncio.create_task(_run(shadow, dsn)) if shadow.is_wanted() else None
    try:
        yield shadow
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _run(shadow: Shadow, dsn: str) -> None:
    """Look for bills while this process has the lock; an error costs a pause, never an answer."""
    while True:
        try:
            lock = await connect(dsn, SETTINGS)
            try:
                while await lock.fetchval(TRY_LOCK):
                    await shadow.look()
                    await asyncio.sleep(LOOK_EVERY_S)
            finally:
                await lock.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            LOG.exception("shadow.paused")
        await asyncio.sleep(RETRY_S)
