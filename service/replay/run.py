"""Replays a whole ledger beside the running service, and reports every difference.

The log is read page by page on its own connection. Its rest, and everything that is stored beside
it, are read in one last snapshot of the database. No writer is blocked, and nothing is changed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from asyncpg import Connection, Record

from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId, instant
from service.clock import micros
from service.ledger.codec import TOPIC_PREFIX
from service.ledger.overlay import UnreadError
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import READER
from service.read_models.projector import is_unknown
from service.read_models.rebuild import LogCutError, RebuildRunningError, check
from service.replay.compare import StoreComparison
from service.replay.compare.heads import compare_heads
from service.replay.compare.keys_and_names import compare_keys, compare_names
from service.replay.decoding import Stored
from service.replay.differences import Differences, Mismatch
from service.replay.money_conservation import Money
from service.replay.partition import WHOLE, Partition
from service.replay.state_cache import HEADS_MAX, StateCache
from service.replay.walk import Counts, LogWalk
from service.runtime.progress import Progress, silent
from service.vault import Vault

PAGE = 4000
"""Events of a page; the next page is read ahead."""
SETTINGS = {"role": READER, "jit": "off", "application_name": "gongji-replay"}
ROWS = """
    SELECT position, recorded_at, stream, amount_fen, version, topic,
           CASE WHEN topic <> ALL ($4) OR get_byte(uuid_send(stream), 15) % $5 = $6
                THEN state END AS state
      FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""


class NoSuchMomentError(Exception):
    """The log does not reach that position, or began after that time."""


@dataclass(slots=True)
class ReplayReport:
    """A replay up to `position`, and its differences.

    With `is_whole` it reached the log's end and compared what is stored: `heads`, `keys` and
    `names` count it, and `tables` the different rows of read models, None if not compared.
    """

    position: int = 0
    is_whole: bool = True
    counts: Counts = field(default_factory=Counts)
    money: Money = field(default_factory=Money)
    heads: int = 0
    keys: int = 0
    names: int = 0
    set_aside: int = 0
    tables: dict[str, int] | None = None
    found: Differences = field(default_factory=Differences)


class ReplayScope(NamedTuple):
    """The scope of a replay: its end, its partition, and whether read models are rebuilt.

    `together` makes one report of those of all partitions.
    """

    as_of: int | datetime | None = None
    share: Partition = WHOLE
    heads_max: int = HEADS_MAX
    with_tables: bool = True


EVERYTHING = ReplayScope()


async def replay(
    dsn: str, vault: Vault, scope: ReplayScope = EVERYTHING, progress: Progress = silent
) -> ReplayReport:
    """Replay the log up to its end, or up to a position or a time.

    What is stored can be compared only at the end; before it the log is folded, counted and decided
    again.

    Raises:
        NoSuchMomentError: the log does not reach so far.
    """
    as_of, share, heads_max, with_tables = scope
    async with _connected(dsn) as reader, _connected(dsn) as connection:
        upto = await position_at(connection, as_of) if as_of is not None else None
        topics = dict(await connection.fetch("SELECT id, topic FROM topics"))
        report = ReplayReport(is_whole=upto is None)
        states = StateCache(connection, topics, heads_max)
        await states.begin()
        walk = LogWalk(states, vault, report.found, share)
        reading = _LogReading(walk, states, topics, share, progress)
        await reading.follow(reader, upto)
        async with connection.transaction(isolation="repeatable_read"):
            await reading.finish(connection, upto)
            if report.is_whole:
                comparison = StoreComparison(connection, vault, share, report.found)
                report.heads = await compare_heads(comparison, states)
                report.keys = await compare_keys(comparison, walk.bills.keys)
                named = walk.counts.named()
                report.names = await compare_names(comparison, named, walk.bills.names)
        report.position = reading.position
        report.counts, report.money = walk.counts, walk.money
        report.set_aside = states.set_aside
    if report.is_whole and with_tables and share.number == 0:
        report.tables = await _tables(dsn, report.found)
    return report


def together(reports: Sequence[ReplayReport]) -> ReplayReport:
    """The reports of all partitions as one; read models and money are those of the first."""
    whole = reports[0]
    for other in reports[1:]:
        whole.position = max(whole.position, other.position)
        whole.counts.add(other.counts)
        whole.found.add(other.found)
        whole.money.explained_fen += other.money.explained_fen
        whole.money.settled_fen += other.money.settled_fen
        for name in ("heads", "keys", "names", "set_aside"):
            setattr(whole, name, getattr(whole, name) + getattr(other, name))
    return whole


async def position_at(connection: Connection, as_of: int | datetime) -> int:
    """A position of the log; for a time, the last one recorded by then.

    Raises:
        NoSuchMomentError: the log does not reach so far.
    """
    head: int = await connection.fetchval("SELECT position FROM log_head")
    if isinstance(as_of, int):
        if not 0 <= as_of <= head:
            raise NoSuchMomentError
        return as_of
    at, first, last = micros(instant(as_of)), 0, head
    while first < last:  # times never run back, and only positions have an index
        middle = (first + last + 1) // 2
        recorded = await connection.fetchval(
            "SELECT recorded_at FROM events WHERE position >= $1 ORDER BY position LIMIT 1", middle
        )
        first, last = (middle, last) if recorded <= at else (first, middle - 1)
    return first


class _LogReading:
    """Reads the log page by page into a walk."""

    def __init__(
        self,
        walk: LogWalk,
        states: StateCache,
        topics: Mapping[int, str],
        share: Partition,
        progress: Progress,
    ) -> None:
        bills = [code for code, topic in topics.items() if topic.startswith("settlement.")]
        self._parameters = (bills, share.of, share.number)
        self._is_first = share.number == 0
        self.walk = walk
        self.position = 0
        self._states = states
        self._topics = topics
        self._prefixes = {
            code: (topic, f"{TOPIC_PREFIX[topic.partition('.')[0]]}_")
            for code, topic in topics.items()
            if topic in CLASSES
        }
        self._progress = progress
        self._recorded_at = 0

    async def follow(self, reader: Connection, upto: int | None) -> None:
        """Read what the log has at the start, one page ahead."""
        head: int = await reader.fetchval("SELECT position FROM log_head")
        head = head if upto is None else upto
        ahead = asyncio.create_task(reader.fetch(ROWS, 0, head, PAGE, *self._parameters))
        while page := await ahead:
            last: int = page[-1]["position"]
            ahead = asyncio.create_task(reader.fetch(ROWS, last, head, PAGE, *self._parameters))
            await asyncio.sleep(0)  # sends the query before this page is replayed
            await self._replay(page)
            self._progress(self.position, head)

    async def finish(self, connection: Connection, upto: int | None) -> None:
        """Read the rest in the snapshot, and check that it ends at the head."""
        head: int = await connection.fetchval("SELECT position FROM log_head")
        last = head if upto is None else upto
        while page := await connection.fetch(ROWS, self.position, last, PAGE, *self._parameters):
            await self._replay(page)
        newest = await connection.fetchval("SELECT max(position) FROM events")
        if upto is None and self._is_first and (self.position, newest or 0) != (head, head):
            stored = f"the head says {head}, the last event is {newest or 0}"
            self.walk.diffs.note((head, None), Mismatch.POSITION, stored, self.position)
        self.walk.end()
        self._progress(self.position, last)

    async def _replay(self, page: list[Record]) -> None:
        before, rows = self.position, self._rows(page)
        used = {row.stream for row in rows}
        late = {row.stream for row in rows if row.version > 1 and row.state is not None}
        await self._states.fetch(used, late, before)
        at = 0
        while at < len(rows):
            try:
                while at < len(rows):
                    at = self.walk.go_on(rows, at)
            except UnreadError as unread:
                await self._states.load(unread, rows[at].position)
        await self._states.settle(used)

    def _rows(self, page: list[Record]) -> list[Stored]:
        """The rows of the ledger's topics, without those of the eventsourcing library."""
        rows: list[Stored] = []
        prefixes, before, at = self._prefixes, self.position, self._recorded_at
        for position, recorded_at, stream, amount_fen, version, code, state in page:
            if position != before + 1 or recorded_at < at:
                self._note_gap((position, recorded_at), (before, at))
            before, at = position, recorded_at
            if code not in prefixes:
                self._note_unknown(position, self._topics.get(code), code)
                continue
            topic, prefix = prefixes[code]
            stream_id = StreamId(prefix + stream.hex)
            rows.append(Stored(position, recorded_at, stream_id, amount_fen, version, topic, state))
        self.position, self._recorded_at = before, at
        return rows

    def _note_gap(self, here: tuple[int, int], before: tuple[int, int]) -> None:
        where = (here[0], None)
        if self._is_first and here[0] != before[0] + 1:
            self.walk.diffs.note(where, Mismatch.POSITION, here[0], before[0] + 1)
        if self._is_first and here[1] < before[1]:
            self.walk.diffs.note(where, Mismatch.POSITION, "recorded before", "its predecessor")

    def _note_unknown(self, position: int, topic: str | None, code: int) -> None:
        if self._is_first and is_unknown(topic):
            stored = topic or f"topic {code}"
            self.walk.diffs.note((position, None), Mismatch.EVENT, stored, "unknown")


async def _tables(dsn: str, diffs: Differences) -> dict[str, int] | None:
    """The different rows of each table of rebuilt read models, compared with the live ones.

    None if a rebuild is running, or if the log is cut, so that no read model can be rebuilt. A
    parked event is a difference, because the read model lacks it.
    """
    try:
        tables, parked = await check(dsn)
    except (RebuildRunningError, LogCutError):
        return None
    for table, rows in tables.items():
        if rows:
            diffs.note((None, None), Mismatch.READ_MODEL, f"{table}: {rows} rows differ", "0 rows")
    for event in parked:
        stored = f"{event.projection}: parked, {' '.join(event.cause)}"
        diffs.note((event.position, None), Mismatch.READ_MODEL, stored, "taken")
    return tables


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, SETTINGS)
    try:
        yield connection
    finally:
        await connection.close()
