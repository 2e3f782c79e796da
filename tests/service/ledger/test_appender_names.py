"""Names in the appender: taken, given up and asked for, here and by another process."""

import asyncio

from pydantic_core import to_json

from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from tests.service.ledger.account_commands import (
    Gate,
    a_store_with,
    all_of,
    an_appender,
    credited,
    looked_up,
    named,
    opened,
    other_writer,
    purse,
    slipping_in,
)


async def test_two_takers_of_a_name() -> None:
    """One name, two takers, here and in another process: one has it, the others are refused."""
    store = MemoryStore()
    async with an_appender(store) as appender:
        here = await all_of(appender, opened("a", 1, b"n"), opened("b", 2, b"n"))
        store.before_append = slipping_in(store, opened("theirs", 3, b"m"))
        (raced,) = await all_of(appender, opened("c", 4, b"m"))

        refusals = [told.refusal for told in (*here, raced) if isinstance(told, Reply)]
        assert [None, "NO_FUNDS", "NO_FUNDS"] == refusals
    assert {b"n": purse(1), b"m": purse(3)} == store.names


async def test_a_name_changes_hands_within_a_batch() -> None:
    """A name given up, taken, given up and taken again in one batch belongs to the last."""
    store = MemoryStore()
    async with an_appender(store) as appender:
        await all_of(appender, opened("a", 1, b"n"), opened("b", 2), opened("c", 3))
        batches = appender.batches
        told = await all_of(
            appender,
            named("1", 1, None, frees=b"n"),
            named("2", 2, b"n"),
            named("3", 3, b"n"),
            named("4", 2, None, frees=b"n"),
            named("5", 3, b"n"),
            named("6", 2, b"m"),
            named("7", 2, None, frees=b"m"),
        )

        refusals = [one.refusal for one in told if isinstance(one, Reply)]
        assert [None, None, "NO_FUNDS", None, None, None, None] == refusals
        assert batches + 1 == appender.batches
    assert {b"n": purse(3)} == store.names


async def test_a_name_given_up_here_is_taken_there() -> None:
    """That nobody has a name is not remembered: another process may have taken it since."""
    store = MemoryStore()
    async with an_appender(store) as appender:
        await all_of(appender, opened("a", 1, b"n"), named("b", 1, None, frees=b"n"))
        await other_writer(store, opened("theirs", 2, b"n"))

        assert to_json(purse(2)) == (await appender.submit(looked_up("c", b"n"))).answer


async def test_a_name_that_was_missing_is_looked_up_again() -> None:
    """What another process has acknowledged is seen by whoever asks afterwards."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        gate = Gate(store)
        first = asyncio.create_task(appender.submit(credited("a", 1)))
        await gate.reached.wait()
        before = asyncio.create_task(appender.submit(looked_up("before", b"n")))
        await some_turns()  # it is decided while the first append is on its way
        await other_writer(store, opened("theirs", 3, b"n"))
        after = asyncio.create_task(appender.submit(looked_up("after", b"n")))
        await some_turns()
        gate.open()
        told = await asyncio.gather(first, before, after)

        assert to_json(purse(3)) == told[2].answer


async def some_turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)
