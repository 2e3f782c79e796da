"""No event stops a read model, and no read model stops another."""

from datetime import timedelta

import asyncpg
import pytest

from aggregates.vocabulary import Instant, instant
from projections import binding as bindings
from projections import visit as visits
from projections.account import statement_entries as entries
from projections.settlement import movements
from service.read_models.lag import Lag, follower_reasons, lags
from service.read_models.parking import cause_of, is_the_events, parked
from service.read_models.projector import LIVE
from service.read_models.rebuild import check, rebuild
from tests.ledgers import BOUNDS_OFF, tamper
from tests.projections.recorded_families import (
    BEGAN_AT,
    INSTITUTION,
    Story,
    a_claim,
    a_settlement,
    an_id,
    families,
)
from tests.service.ledger.extreme_events import FEN_MAX, every_extreme
from tests.service.ledger.long_lives import Life
from tests.service.ledger.odd_logs import NEIGHBOUR, odd_log
from tests.service.read_models.following import (
    PATIENT,
    a_follower,
    a_store,
    a_visit,
    append,
    append_foreign,
    the_first_day,
)

NAMES = [target.name for target in LIVE]


async def parked_in(pool: "asyncpg.Pool[asyncpg.Record]") -> list[tuple[str, int]]:
    return [each[:2] for each in await parked(pool, NAMES)]


async def test_a_visit_in_the_year_1_parks_itself_alone(dsn: str) -> None:
    """D2: of a batch the one event that is to blame is left out, by the one that reads it."""
    rows = [a_visit(number) for number in range(1, 40)]
    rows[16] = a_visit(17, the_first_day())
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        head = await append(store, [*rows, *families([1, 2, 3]).rows()])
        assert await follower.wait_for(head, 20)
        found = await parked(store.pool, NAMES)
        shown = await visits.of_patient(
            store.pool, INSTITUTION, PATIENT, BEGAN_AT, BEGAN_AT + timedelta(days=1)
        )

        assert [("visits", 17, "DataError")] == [(*one[:2], one.cause.kind) for one in found]
        assert "sqlstate 22000 at projections/" in found[0].cause.detail
        assert "0001" not in found[0].line()
        assert 38 == len(shown)
        assert 0 == follower.failures


async def test_bytes_that_nobody_wrote_are_parked_where_they_are_read(dsn: str) -> None:
    """Read models of other topics know nothing of it."""
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        await append(store, families([1]).rows())
        position = await store.position() + 1
        await append_foreign(dsn, "account.credited/1", b"not JSON of ours")
        head = await append(store, families([2]).rows())
        assert await follower.wait_for(head, 20)

        assert [("statements", position)] == await parked_in(store.pool)


async def test_a_long_life_stops_nothing(dsn: str) -> None:
    """Everything that is stored anywhere happens to one person 75 times, in any order."""
    rows = list(Life().rows(75))
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        head = await append(store, rows)
        assert await follower.wait_for(head, 60)
        checked = await check(dsn)

        assert [] == checked.parked
        assert [] == await parked_in(store.pool)
        assert {} == {table: rows for table, rows in checked.differing.items() if rows}


async def test_every_extreme_stops_nothing(dsn: str) -> None:
    """What cannot be taken is parked by itself: its neighbours are shown, one and all."""
    log = odd_log(every_extreme())
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        await tamper(store.pool, BOUNDS_OFF)
        head = await append(store, log.rows)
        assert await follower.wait_for(head, 60)
        found = await parked(store.pool, NAMES)
        shown = await entries.of_account(store.pool, NEIGHBOUR)
        checked = await check(dsn)

        assert {each.position for each in found} <= log.odd.keys()
        assert log.neighbours == shown.rows[0].balance.current_fen
        assert {} == {table: rows for table, rows in checked.differing.items() if rows}
        # How a page is cut may spare an odd row that the next event of its stream replaces.
        assert {each.position for each in checked.parked} <= log.odd.keys()
        assert 0 == follower.failures


async def test_sums_of_many_are_wider_than_each_of_them(dsn: str) -> None:
    """A month of the largest bills: no sum of an institution is too wide."""
    story = Story()
    for number in range(1, 1101):
        claim = a_claim(an_id("acc", number), f"v{number}", FEN_MAX)
        story.tell(an_id("stl", number), a_settlement(claim, own_fen=FEN_MAX))
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, story.rows()), 60)
        day = BEGAN_AT.date()
        (summed,) = await movements.of_days(store.pool, INSTITUTION, day, day + timedelta(days=1))
        month = await store.pool.fetchval("SELECT own_fen FROM signals_2_months")

        assert [] == await parked_in(store.pool)
        assert (1100, 1100 * FEN_MAX) == (summed.settled.bills, summed.settled.own_fen)
        assert 1100 * FEN_MAX == month


async def test_a_read_model_that_cannot_go_on_holds_no_other(dsn: str) -> None:
    """Its table is gone, or somebody holds it: the others show the log, and it catches up."""
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, families([1]).rows()), 20)
        await tamper(store.pool, "ALTER TABLE statements RENAME TO elsewhere")
        async with store.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE corrections")
            head = await append(store, families(range(2, 40)).rows())
            others = (
                t.projection.table for t in LIVE if t.name not in ("statements", "corrections")
            )
            assert await follower.wait_for(head, 20, *others)
            assert await follower.position(bindings.TABLE) == head
            assert await follower.position(entries.TABLE) < head
            later = await append(store, families([40]).rows())
            assert await follower.wait_for(later, 1, bindings.TABLE)
        await tamper(store.pool, "ALTER TABLE elsewhere RENAME TO statements")

        assert await follower.wait_for(later, 30)
        assert [] == await parked_in(store.pool)
        assert not any((await check(dsn)).differing.values())


async def test_a_read_model_far_behind_holds_no_other(dsn: str) -> None:
    """A new one fills from the first event while the others go on from where they are."""
    async with a_store(dsn) as store:
        async with a_follower(dsn, store.pool) as follower:
            assert await follower.wait_for(await append(store, families(range(1, 150)).rows()), 60)
        await tamper(store.pool, "DROP TABLE statements")
        async with a_follower(dsn, store.pool) as follower:
            head = await append(store, families([150]).rows())
            assert await follower.wait_for(head, 30)

        assert not any((await check(dsn)).differing.values())
        assert [] == await parked_in(store.pool)


async def test_a_rebuild_tries_parked_events_again(dsn: str) -> None:
    """What can be taken now is shown and no longer parked; what cannot stays so and is told."""
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        rows = [a_visit(1, the_first_day()), a_visit(2, the_first_day()), a_visit(3)]
        assert await follower.wait_for(await append(store, rows), 20)
        assert [("visits", 1), ("visits", 2)] == await parked_in(store.pool)
        await tamper(
            store.pool, "UPDATE events SET state = $1 WHERE position = 1", a_visit(1).state
        )
        found = await check(dsn)
        rebuilt = await rebuild(dsn)

        assert (1, [("visits", 2)]) == (found.differing["visits"], [p[:2] for p in found.parked])
        assert [("visits", 2)] == [each[:2] for each in rebuilt.parked]
        assert [("visits", 2)] == await parked_in(store.pool)
        assert 2 == rebuilt.rows["visits"]
        assert await store.pool.fetchval("SELECT count(*) FROM parked") == 1


async def test_operators_are_told(dsn: str) -> None:
    """Readiness names each read model that parked an event or is behind; lag is measured."""
    now = {"at": BEGAN_AT}

    def clock() -> Instant:
        return instant(now["at"])

    async with a_store(dsn) as store:
        async with a_follower(dsn, store.pool) as follower:
            assert [] == await follower_reasons(store.pool, clock)
            assert await follower.wait_for(
                await append(store, [a_visit(1), a_visit(2, the_first_day())]), 20
            )
            now["at"] += timedelta(days=1)
            (reason,) = await follower_reasons(store.pool, clock)
            assert ("FOLLOWER_PARKED", "visits: 1 event parked, the first at position 2") == reason[
                :2
            ]
        await append(store, [a_visit(3)])
        found = {lag.name: lag for lag in await lags(store.pool, clock)}
        codes = [reason.code for reason in await follower_reasons(store.pool, clock)]

        assert Lag("visits", 1, 86400.0, 1, 2) == found["visits"]
        assert Lag("bills", 1, 86400.0, 0, None) == found["bills"]
        assert (len(LIVE), 1) == (codes.count("FOLLOWER_BEHIND"), codes.count("FOLLOWER_PARKED"))


@pytest.mark.parametrize(
    ("error", "is_events"),
    [
        (KeyError("acc"), True),
        (OverflowError(), True),
        (AssertionError(), True),
        (asyncpg.DataError(), True),
        (asyncpg.NumericValueOutOfRangeError(), True),
        (asyncpg.UniqueViolationError(), True),
        (asyncpg.ProgramLimitExceededError(), True),
        (asyncpg.CardinalityViolationError(), True),
        (asyncpg.UndefinedTableError(), False),
        (asyncpg.InsufficientPrivilegeError(), False),
        (asyncpg.SerializationError(), False),
        (asyncpg.DeadlockDetectedError(), False),
        (asyncpg.LockNotAvailableError(), False),
        (asyncpg.QueryCanceledError(), False),
        (asyncpg.AdminShutdownError(), False),
        (asyncpg.ReadOnlySQLTransactionError(), False),
        (asyncpg.DiskFullError(), False),
        (asyncpg.OutOfMemoryError(), False),
        (asyncpg.TooManyConnectionsError(), False),
        (asyncpg.InternalServerError(), False),
        (asyncpg.ConnectionDoesNotExistError(), False),
        (asyncpg.InterfaceError("closed"), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (MemoryError(), False),
    ],
    ids=lambda told: type(told).__name__,
)
def test_only_an_events_own_fault_parks_it(error: Exception, is_events: bool) -> None:  # noqa: FBT001
    """What comes of the database or the machine is tried again, for ever."""
    assert is_events == is_the_events(error)


def test_a_cause_tells_no_words_of_an_error() -> None:
    """They may hold values of an event: its class and place alone are kept."""
    with pytest.raises(ValueError, match="Chen") as raised:
        int("Chen")
    cause = cause_of(raised.value)

    assert "ValueError" == cause.kind
    assert "Chen" not in cause.detail
    assert "at tests/service/read_models/test_parking.py:" in cause.detail
