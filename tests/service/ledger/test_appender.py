"""Group commit on the memory twin: who shares a batch, and what a lost race or answer does."""

import pytest

from aggregates.refusals import UnknownError
from api.http.problems import problem_of
from service.ledger.command import KeyReusedError, Reply
from service.ledger.head_cache import Limits
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from tests.service.ledger.account_commands import (
    Unreadable,
    a_store_with,
    all_of,
    an_appender,
    balances,
    credited,
    endless,
    failing,
    impossible,
    moved,
    noted,
    opened,
    ordered,
    other_writer,
    purse,
    slipping_in,
    topics_of,
)

LOST = (OutcomeUnknownError("cut"), StoreUnavailableError("away"))


def replies(*told: Reply | BaseException) -> list[bytes]:
    """The answers, where nothing was raised."""
    for one in told:
        assert isinstance(one, Reply), one
    return [one.answer for one in told if isinstance(one, Reply)]


async def test_a_refusal_fails_nobody_else() -> None:
    """Rule's refusals, unknown accounts and bugs share a batch with commands that succeed."""
    store = await a_store_with(100, 100)
    async with an_appender(store) as appender:
        told = await all_of(
            appender,
            credited("a", 1),
            moved("b", 1, 2, 500),
            credited("c", 99),
            failing("d", ZeroDivisionError("a bug")),
            credited("e", 2),
        )

        assert [b"101", b"{}", b"101"] == replies(told[0], told[1], told[4])
        assert isinstance(told[1], Reply)
        assert "NO_FUNDS" == told[1].refusal
        assert isinstance(told[2], UnknownError)
        assert isinstance(told[3], ZeroDivisionError)
        assert (1, 5) == (appender.batches, appender.commands)
    assert [101, 101] == balances(store)


async def test_an_event_that_cannot_be_folded_fails_its_own_command() -> None:
    """An assertion in the fold of one decision's event is that command's, nobody else's."""
    store = await a_store_with(100)
    async with an_appender(store) as appender:
        told = await all_of(
            appender, credited("a", 1), impossible("b", 50, beside=1), credited("c", 1)
        )

        assert [b"101", b"102"] == replies(told[0], told[2])
        assert isinstance(told[1], AssertionError)
        assert [b"103"] == replies(await appender.submit(credited("d", 1)))
    assert purse(50) not in store.heads


async def test_a_lost_race_is_decided_again() -> None:
    """What another process took meanwhile is not there any more: the answer says so."""
    store = await a_store_with(100, 0)
    async with an_appender(store) as appender:
        await appender.submit(credited("warm", 1))
        store.before_append = slipping_in(store, moved("theirs", 1, 2, 60))
        told = await all_of(appender, moved("ours", 1, 2, 60), credited("beside", 2, 5))

        assert isinstance(told[0], Reply)
        assert "NO_FUNDS" == told[0].refusal
        assert [b"65"] == replies(told[1])
        assert 1 == appender.races


async def test_what_was_only_read_is_held_too() -> None:
    """An order that changes between the reading and the append is read again."""
    store = await a_store_with(100)
    async with an_appender(store) as appender:
        assert [b"0"] == replies(await appender.submit(noted("first", 10, watched=1)))
        store.before_append = slipping_in(store, ordered("theirs", 1))

        assert [b"1"] == replies(await appender.submit(noted("second", 11, watched=1)))
        assert 1 == appender.races


async def test_a_stale_refusal_is_decided_again() -> None:
    """A refusal rests on what was read like any success: money that came meanwhile counts."""
    store = await a_store_with(10, 0)
    async with an_appender(store) as appender:
        await appender.submit(ordered("warm", 1))
        store.before_append = slipping_in(store, credited("theirs", 1, 90))

        assert [b"[0,100]"] == replies(await appender.submit(moved("ours", 1, 2, 100)))


async def test_a_key_is_used_once() -> None:
    """Twins in flight, repeats and repeats at another process are one event and one answer."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        twins = await all_of(appender, *[credited("k", 1) for _ in range(5)])
        again = await appender.submit(credited("k", 1))
        async with an_appender(store) as other:
            elsewhere = await other.submit(credited("k", 1))

        assert [b"1"] * 7 == replies(*twins, again, elsewhere)
        assert (2, 2) == (again.position, elsewhere.position)
        assert [False, *[True] * 6] == [
            r.is_replayed for r in (*twins, again, elsewhere) if isinstance(r, Reply)
        ]
    assert 1 == topics_of(store)[1:].count("Credited")


async def test_two_processes_use_a_key_once() -> None:
    """A key that another process used up while ours was on its way answers ours."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        store.before_append = slipping_in(store, credited("k", 1))
        bug = failing("bug", ZeroDivisionError("a bug"))
        _, lost, *told = await all_of(
            appender, bug, credited("lost", 99), credited("k", 1), credited("beside", 1)
        )

        assert isinstance(lost, UnknownError)
        assert [b"1", b"2"] == replies(*told)
        assert [True, False] == [r.is_replayed for r in told if isinstance(r, Reply)]


async def test_a_key_belongs_to_its_body() -> None:
    """Another body or operation under a used key is refused: in flight, after, elsewhere."""
    store = await a_store_with(100, 0)
    async with an_appender(store) as appender:
        first, twin = await all_of(appender, credited("k", 1), credited("k", 1, body="other"))
        after = await all_of(appender, credited("k", 1, body="other"), moved("k", 1, 2, 1))
        store.before_append = slipping_in(store, credited("l", 1))
        (raced,) = await all_of(appender, credited("l", 1, body="other"))

        assert [b"101"] == replies(first)
        for told in (twin, *after, raced):
            assert isinstance(told, KeyReusedError)
    assert [102, 0] == balances(store)


async def test_a_wrong_body_in_flight_harms_nobody() -> None:
    """The right body is answered though a wrong one under its key is under way."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        await appender.submit(credited("k", 1))
        wrong, right = await all_of(appender, credited("k", 1, body="other"), credited("k", 1))

        assert isinstance(wrong, KeyReusedError)
        assert [b"1"] == replies(right)


async def test_a_key_left_free_is_free_for_another_body() -> None:
    """A twin with another body is decided by itself where the first left the key free."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        lost, other = await all_of(appender, credited("k", 99), credited("k", 1, body="other"))

        assert isinstance(lost, UnknownError)
        assert [b"1"] == replies(other)


@pytest.mark.parametrize("is_applied", [True, False])
async def test_an_unknown_outcome_is_answered_once(*, is_applied: bool) -> None:
    """A lost answer is found out: each command is in the log once, in its order."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        await appender.submit(ordered("warm", 1))
        if is_applied:
            store.fail_next = OutcomeUnknownError("cut after")
        else:
            store.before_append = cut_before
        told = await all_of(appender, *[credited(f"k{n}", 1) for n in range(9)])

        assert [b"%d" % (n + 1) for n in range(9)] == replies(*told)
        assert 1 == appender.unknowns
        assert {is_applied} == {r.is_replayed for r in told if isinstance(r, Reply)}
    assert ["OrderChanged", *["Credited"] * 9] == topics_of(store)[1:]


async def cut_before() -> None:
    raise OutcomeUnknownError("cut before")


async def test_a_store_that_was_away_is_asked_again() -> None:
    """Nothing was applied, so everything is decided again and appended once."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        store.fail_next = StoreUnavailableError("away")
        told = await all_of(appender, credited("a", 1), credited("b", 1))

        assert [b"1", b"2"] == replies(*told)
    assert 2 == topics_of(store)[1:].count("Credited")


@pytest.mark.parametrize("error", [None, *LOST], ids=["race", "unknown", "unavailable"])
async def test_commands_keep_their_order(error: Exception | None) -> None:
    """Whatever goes wrong on the way, commands of one sender stand in the log as they came."""
    store = await a_store_with(0)
    async with an_appender(store, Limits(batch_max=7, chunk_max=3)) as appender:
        assert error is None or isinstance(error, OutcomeUnknownError | StoreUnavailableError)
        store.fail_next = error
        store.before_append = slipping_in(store, credited("theirs", 1)) if error is None else None
        told = await all_of(appender, *[credited(f"k{n}", 1) for n in range(40)])

        first = 2 if error is None else 1
        assert [b"%d" % (n + first) for n in range(40)] == replies(*told)
        positions = [r.position for r in told if isinstance(r, Reply)]
        assert positions == sorted(positions)


async def test_few_remembered_heads_are_enough() -> None:
    """With room for two heads, and another writer beside, every balance is right."""
    store = await a_store_with(*[100] * 12)
    async with an_appender(store, Limits(heads_max=2, batch_max=5, chunk_max=3)) as appender:
        for turn in range(4):
            await other_writer(store, *[credited(f"o{turn}.{n}", n, 10) for n in range(1, 13)])
            told = await all_of(appender, *[credited(f"k{turn}.{n}", n) for n in range(1, 13)])

            assert {b"%d" % (100 + 11 * (turn + 1))} == set(replies(*told))


async def test_an_endless_decision_ends() -> None:
    """A decision that wants one stream more each time is failed, and it alone."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        told = await all_of(appender, credited("a", 1), endless("b", 1000), credited("c", 1))

        assert isinstance(told[1], RuntimeError)
        assert [b"1", b"2"] == replies(told[0], told[2])


async def test_stored_bytes_that_cannot_be_read_are_our_fault() -> None:
    """They fail whoever needs them as a fault of ours, never as a mistake in his body."""
    store = Unreadable()
    await other_writer(store, opened("a", 1), opened("b", 2))
    async with an_appender(store) as appender:
        store.broken = purse(2)
        told = await all_of(appender, credited("c", 1), credited("d", 2), credited("e", 1))

        assert [b"1", b"2"] == replies(told[0], told[2])
        assert isinstance(told[1], RuntimeError)
        assert ("INTERNAL_ERROR", "unknown", {}) == problem_of(told[1])
