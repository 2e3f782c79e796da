"""Both stores do the same: the same batches end in the same outcomes and leave the same behind."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

import pytest

from aggregates.account.events import OrderChanged
from service.ledger.memory_store import MemoryStore
from service.ledger.store import AppendOutcome, Batch, KeyRow, Store
from tests.projections.recorded_families import BEGAN_US, an_id
from tests.service.ledger.batches import CALLER, OTHER, PURSE, SETTLEMENT, Teller, a_key, credit
from tests.service.read_models.following import a_store

Batches = Iterable[Batch]
EVERYBODY = (PURSE, OTHER, SETTLEMENT, an_id("acc", 9))
NAMES = (b"purse", b"bill", b"more", b"nobody's")


def goes_on() -> Batches:
    """One batch behind the other; the second on the first's heads."""
    teller = Teller()
    yield teller.opening()
    yield teller.batch((PURSE, credit(5)), (OTHER, credit(7)), (PURSE, credit(1)))


def says_nothing() -> Batches:
    """An empty batch, before and after others, and one that only remembers an answer."""
    yield Batch(at=BEGAN_US)
    yield Teller().opening()
    yield Batch(at=BEGAN_US)
    yield Batch(at=BEGAN_US, keys=[a_key("only", 0, refusal="NO_FUNDS")])


def is_stale() -> Batches:
    """Versions that moved: behind, ahead, thought new, thought there."""
    teller = Teller()
    yield teller.opening()
    wanted = teller.batch((OTHER, credit(1)))
    for stream, version in ((PURSE, 2), (PURSE, 4), (OTHER, 0), (an_id("acc", 9), 3)):
        yield replace(wanted, expected={stream: version})
    yield replace(wanted, expected={PURSE: 0, OTHER: 0, an_id("acc", 9): 0})
    yield replace(wanted, expected={PURSE: 3, SETTLEMENT: 1})


def is_known() -> Batches:
    """Keys that are used up stop the batch and bring their answers, also beside other trouble."""
    teller = Teller()
    first = teller.opening()
    first.keys += [a_key("settled", 5, SETTLEMENT), a_key("refused", 5, refusal="NO_FUNDS")]
    yield first
    wanted = teller.batch((OTHER, credit(1)))
    fresh = wanted.keys[0]
    yield replace(wanted, keys=[fresh, a_key("settled", 1), a_key("refused", 1)])
    yield replace(wanted, keys=[a_key("refused", 1), fresh], expected={OTHER: 7})
    others = fresh._replace(caller="institution:other", key="settled")
    yield replace(wanted, keys=[others])


def is_asked() -> Batches:
    """Keys that are only asked for never stop the batch."""
    teller = Teller()
    first = teller.opening()
    first.keys.append(a_key("settled", 5, SETTLEMENT))
    yield first
    asked = [(CALLER, "settled"), (CALLER, "never"), ("someone else", "settled"), (CALLER, "key 1")]
    yield replace(teller.batch((OTHER, credit(1))), asked=asked)
    yield Batch(at=BEGAN_US, asked=asked)
    yield Batch(at=BEGAN_US, asked=asked, expected={PURSE: 0})


def is_taken() -> Batches:
    """Names that somebody has: of an account, of a settlement, and one that is given up."""
    teller = Teller()
    yield teller.opening()
    more = [(OTHER, OrderChanged(bindings=()))]
    wanted = teller.batch(*more)
    yield replace(wanted, names={b"more": OTHER, b"purse": OTHER})
    yield replace(wanted, names={b"bill": an_id("stl", 2)})
    yield replace(wanted, names={b"bill": an_id("stl", 2), b"more": OTHER}, freed={b"bill"})
    yield replace(teller.batch(*more), names={b"bill": an_id("stl", 3)})
    yield replace(teller.batch(*more), freed={b"more"})


def runs_back() -> Batches:
    """A clock that runs back does not make the log run back: nothing older is appended."""
    teller = Teller()
    yield teller.opening()
    yield Batch(at=BEGAN_US - 1)
    wanted = teller.batch((PURSE, credit(1)), (OTHER, credit(1)), at=BEGAN_US - 1_000_000)
    yield wanted
    yield replace(wanted, expected={PURSE: 9}, keys=[a_key("key 1", 2)])
    yield replace(wanted, at=BEGAN_US, times=[BEGAN_US, BEGAN_US + 1_000_000])
    yield teller.batch((PURSE, credit(1)), at=BEGAN_US + 999_999)
    yield replace(wanted, at=BEGAN_US + 1_000_001, rows=[], heads={}, expected={}, names={})


STORIES = (goes_on, says_nothing, is_stale, is_known, is_asked, is_taken, runs_back)


@pytest.fixture
async def postgres(dsn: str) -> AsyncIterator[Store]:
    async with a_store(dsn) as store:
        yield store


async def behind(store: Store) -> tuple[object, ...]:
    """Everything that can be read of a store."""
    return (
        await store.position(),
        await store.page(0, 1000),
        await store.read(EVERYBODY, NAMES),
        [await store.history(stream) for stream in EVERYBODY],
        (await store.read((), (), EVERYBODY[:2])).persons,
        [await store.accounts(after, 1) for after in (None, *EVERYBODY[:2])],
        (await store.account_count(), await store.recorded_at()),
    )


@pytest.mark.parametrize("is_locked", [False, True], ids=["at once", "under the lock"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_the_same_outcomes(
    postgres: Store, story: Callable[[], Batches], *, is_locked: bool
) -> None:
    """PostgreSQL and the memory twin say the same of every batch and hold the same afterwards."""
    memory = MemoryStore()
    said: list[tuple[AppendOutcome, AppendOutcome]] = []
    for batch in story():
        said.append(
            (
                await put(memory, batch, is_locked=is_locked),
                await put(postgres, batch, is_locked=is_locked),
            )
        )
        assert await behind(memory) == await behind(postgres)

    for in_memory, in_postgres in said:
        assert in_memory == in_postgres
    assert any(outcome.base is not None for outcome, _ in said)


async def put(store: Store, batch: Batch, *, is_locked: bool) -> AppendOutcome:
    if not is_locked:
        return await store.append(batch)
    async with store.locked() as session:
        return await session.append(batch)


async def test_the_stories_are_what_they_say() -> None:
    """The batches above do reach every kind of outcome."""
    seen: set[str] = set()
    keys: list[KeyRow] = []
    for story in STORIES:
        memory = MemoryStore()
        for batch in story():
            outcome = await memory.append(batch)
            keys += batch.keys
            seen |= {
                name
                for name in ("known", "asked", "stale", "taken", "late")
                if getattr(outcome, name)
            }
            seen |= {"done"} if outcome.base is not None else {"nothing"}

    assert {"known", "asked", "stale", "taken", "late", "done", "nothing"} == seen
    assert any(key.refusal for key in keys)
