"""Replay decides again what a family pool was given and gave, and finds what was tampered with."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from aggregates.account.events import (
    BeneficiaryUnlinked,
    MovedFromPool,
    MovedToPool,
    SponsorUnlinked,
)
from aggregates.binding.events import BindingReleased
from aggregates.policy.edition import Edition
from aggregates.pool.events import PoolDebited, PoolEmptied, PoolFunded, PoolReturned
from aggregates.topics import Event
from service.context import ServiceContext, furnish
from service.ledger.codec import Recorded
from service.ledger.memory_store import MemoryStore
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.regions.policy_book import PolicyBook
from service.replay.compare.balances import check_balances
from service.replay.differences import Mismatch
from service.replay.partition import Partition
from service.replay.run import ReplayScope, replay, together
from service.vault import Vault
from tests.cases.reading import read_cases
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import play
from tests.service.replay.replayed import found_in, retold

CASES = read_cases()


@pytest.fixture
async def driver() -> AsyncIterator[ServiceDriver]:
    """A driver whose house is closed afterwards."""
    driver = ServiceDriver()
    yield driver
    await driver.close()


def tamper(context: ServiceContext, kind: type[Event], **changes: Any) -> None:  # noqa: ANN401
    """Change the first event of a kind in the log."""
    store = context.store
    assert isinstance(store, MemoryStore)
    at = next(at for at, one in enumerate(store.log) if isinstance(one.event, kind))
    event: Any = store.log[at].event
    store.log[at] = store.log[at]._replace(event=replace(event, **changes))


def below_the_floor(context: ServiceContext) -> None:
    """More than the floor allows, on both sides."""
    tamper(context, PoolFunded, amount_fen=60_000)
    tamper(context, MovedToPool, current_fen=20_000, prior_fen=40_000)


TAMPERED: dict[str, tuple[str, Callable[[ServiceContext], None], Mismatch]] = {
    "a debit": ("FP1", lambda c: tamper(c, PoolDebited, amount_fen=1), Mismatch.MOVES),
    "a return": ("FP1", lambda c: tamper(c, PoolReturned, amount_fen=1), Mismatch.MOVES),
    "a transfer in": ("RC1b", lambda c: tamper(c, PoolFunded, amount_fen=1), Mismatch.MOVES),
    "a transfer below the floor": (
        "RC1b",
        below_the_floor,
        Mismatch.DECISION,
    ),
    "a transfer of another bucket": (
        "RC1b",
        lambda c: tamper(c, MovedToPool, current_fen=50_000, prior_fen=0),
        Mismatch.MOVES,
    ),
    "what came back": ("FP7", lambda c: tamper(c, PoolEmptied, amount_fen=1), Mismatch.DECISION),
    "what the account got": (
        "FP7",
        lambda c: tamper(c, MovedFromPool, amount_fen=1),
        Mismatch.MONEY,
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_a_tampered_pool_is_found(driver: ServiceDriver, what: str) -> None:
    """Each event of a pool that is not what the rules make is a difference."""
    case, change, mismatch = TAMPERED[what]
    await play(CASES[case], driver)
    assert driver.context is not None
    assert [] == found_in(driver.context)

    change(driver.context)

    found = {difference.mismatch for difference in retold(driver.context).diffs.kept}
    assert mismatch in found, found


async def test_a_pool_emptied_while_relatives_are_bound_is_found(driver: ServiceDriver) -> None:
    """Without the release the money was theirs to spend."""
    await play(CASES["FP7"], driver)
    assert driver.context is not None
    store = driver.context.store
    assert isinstance(store, MemoryStore)
    gone = (BindingReleased, BeneficiaryUnlinked, SponsorUnlinked)
    versions: Counter[str] = Counter()
    kept: list[Recorded] = []
    for one in store.log:
        if not isinstance(one.event, gone):
            versions[one.stream] += 1
            kept.append(one._replace(position=len(kept) + 1, version=versions[one.stream]))
    store.log[:] = kept

    found = {(d.mismatch, d.replayed) for d in retold(driver.context).diffs.kept}
    assert (Mismatch.DECISION, "POOL_HAS_MEMBERS") in found, found


async def test_the_places_of_money_have_the_pools(driver: ServiceDriver) -> None:
    """What came in is in accounts, in pools and with institutions."""
    await play(CASES["RC1b"], driver)
    assert driver.context is not None
    money = retold(driver.context).money

    assert (251_000, 200_000, 44_000, 7_000) == (
        money.came_in_fen,
        money.accounts_fen,
        money.pools_fen,
        money.owed_fen,
    )
    assert (0, 0, 0) == (money.moving_fen, money.off_fen, money.unsettled_fen)


class PostgresDriver(ServiceDriver):
    """A driver whose house stands on PostgreSQL."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn

    @override
    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """A house on an empty database, with these rules published."""
        store = PostgresStore(self.dsn)
        await store.open()
        book = PolicyBook({edition.region: (edition,) for edition in editions})
        self.context = furnish(store, Vault(bytes(32), bytes(32)), book, self.clock)
        self.context.tax = self.premiums.tax_side()
        await publish(self.context)


@pytest.mark.parametrize("case", ["FP3", "FP8", "RC3a"])
async def test_stored_pools_are_told_again_without_a_difference(dsn: str, case: str) -> None:
    """Heads, balances and money of pools in the database are those of the log, also by halves."""
    driver = PostgresDriver(dsn)
    await play(CASES[case], driver)
    assert driver.context is not None
    vault = driver.context.vault
    await driver.close()

    whole = await replay(dsn, vault, ReplayScope(with_tables=False))
    halves = [
        await replay(dsn, vault, ReplayScope(share=Partition(number, 2), with_tables=False))
        for number in range(2)
    ]
    both = together(halves)
    _, off = await check_balances(dsn)

    assert [] == whole.found.kept == both.found.kept == off.kept
    assert (whole.money, whole.heads) == (both.money, both.heads)
