"""What must be true of a ledger whatever happened to it, read from the database itself."""

from collections import Counter
from dataclasses import dataclass, field

import asyncpg

from aggregates.account.events import Debited
from aggregates.account.state import Account
from aggregates.settlement.events import Settled, SettlementCancelled
from aggregates.vocabulary import StreamId
from service.ledger.codec import Recorded, kind_of
from service.ledger.postgres.store import PostgresStore
from service.ledger.store import NO_HEAD, StreamHead
from tests.faults.services import HOSPITAL

CALLER = f"institution:{HOSPITAL}"
PAGE = 5000


@dataclass
class Log:
    """The log folded from its first event, checked on the way."""

    heads: dict[StreamId, StreamHead] = field(default_factory=dict)
    settled: dict[StreamId, Settled] = field(default_factory=dict)
    cancelled: set[StreamId] = field(default_factory=set)
    debits: "Counter[StreamId]" = field(default_factory=Counter)
    size: int = 0

    def add(self, recorded: Recorded) -> None:
        """Fold one event: positions and versions have no gap, and no money is ever negative."""
        self.size += 1
        before = self.heads.get(recorded.stream, NO_HEAD)
        assert (self.size, before.version + 1) == (recorded.position, recorded.version)
        event = recorded.event
        state = kind_of(recorded.stream).evolve(before.state, event)
        self.heads[recorded.stream] = StreamHead(recorded.version, state)
        if isinstance(state, Account):
            assert state.current_fen >= 0
            assert state.prior_fen >= 0
        if isinstance(event, Debited):
            self.debits[event.settlement] += event.current_fen + event.prior_fen
        if isinstance(event, Settled):
            self.settled[recorded.stream] = event
        if isinstance(event, SettlementCancelled):
            self.cancelled.add(recorded.stream)

    def paid_fen(self) -> int:
        """What settlements that stand took from accounts."""
        return sum(
            event.own_fen + event.aid_fen
            for stream, event in self.settled.items()
            if stream not in self.cancelled
        )

    def balances(self) -> dict[StreamId, tuple[int, int, int]]:
        """Version and money of every account."""
        return {
            stream: (head.version, head.state.current_fen, head.state.prior_fen)
            for stream, head in self.heads.items()
            if isinstance(head.state, Account)
        }


async def verdict(dsn: str, acknowledged: dict[str, bytes], brought_in_fen: int) -> Log:
    """Judge a ledger: what was acknowledged is there once, and every fen is accounted for.

    Raises:
        AssertionError: it is not so.
    """
    store = PostgresStore(dsn)
    await store.open()
    try:
        log = await _folded(store)
        await _check_heads(store.pool, log)
        await _check_keys(store.pool, log, acknowledged)
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert 0 == await store.pool.fetchval(deadlocks)
    finally:
        await store.close()
    for stream, event in log.settled.items():
        claim = event.claim
        parts = event.own_fen + event.aid_fen + event.cash_fen
        assert claim.total_fen - claim.fund_pay_fen == parts
        assert log.debits[stream] == event.own_fen + event.aid_fen
    left_fen = sum(current + prior for _, current, prior in log.balances().values())
    assert brought_in_fen - log.paid_fen() == left_fen
    return log


async def _folded(store: PostgresStore) -> Log:
    log = Log()
    while page := await store.page(log.size, PAGE):
        for recorded in page:
            log.add(recorded)
    assert log.size == await store.position()
    return log


async def _check_heads(pool: asyncpg.Pool, log: Log) -> None:
    """Stored balances and versions are the fold's."""
    stored = {
        StreamId(f"acc_{stream.hex}"): (version, current, prior)
        for stream, version, current, prior in await pool.fetch(
            "SELECT stream, version, current_fen, prior_fen FROM balances"
        )
    }
    assert log.balances() == stored


async def _check_keys(pool: asyncpg.Pool, log: Log, acknowledged: dict[str, bytes]) -> None:
    """A key is a settlement and a settlement a key, and its answer is the acknowledged one."""
    keys = {
        key: (StreamId(f"stl_{stream.hex}"), answer)
        for key, stream, answer in await pool.fetch(
            "SELECT key, stream, answer FROM command_keys"
            " WHERE caller = $1 AND refusal IS NULL AND key NOT LIKE 'cancel%'",
            CALLER,
        )
    }
    by_visit = {event.claim.visit: stream for stream, event in log.settled.items()}
    assert len(by_visit) == len(log.settled), "a visit is settled once"
    assert by_visit == {key: stream for key, (stream, _) in keys.items()}
    missing = acknowledged.keys() - keys.keys()
    assert not missing, f"acknowledged and lost: {sorted(missing)[:5]}"
    assert acknowledged == {key: keys[key][1] for key in acknowledged}
