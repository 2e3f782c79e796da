"""Replay a whole ledger beside the running service, and report every difference.

The log is read page by page on a connection of its own; a last snapshot of the database then
shows the rest of it and everything that is stored beside it at one moment. Nothing is locked
for writers, and nothing is changed.
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
from service.read_models.projector import OURS
from service.read_models.rebuild import LogCutError, RebuildRunningError, check
from service.replay.compare.heads import compare_heads
from service.replay.compare.keys_and_names import Names, compare_keys, compare_names
from service.replay.decoding import Stored
from service.replay.differences import Differences, Mismatch
from service.replay.money_conservation import Money
from service.replay.partition import WHOLE, Partition
from service.replay.state_cache import HEADS_MAX, StateCache
from service.replay.walk import Counts, LogWalk
from service.runtime.progress import Progress, silent
from service.vault import Vault

PAGE = 4000
"""Events in memory at once; twice as many while the next page is on its way."""
SETTINGS = {"role": READER, "jit": "off", "application_name": "gongji-replay"}
ROWS = """
    SELECT position, recorded_at, stream, amount_fen, version, topic,
           CASE WHEN topic <> ALL ($4) OR get_byte(uuid_send(stream), 15) % $5 = $6
                THEN state END AS state
      FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""


class NoSuchMomentError(Exception):
    """The log has not come to that position, or began after that time."""


@dataclass(slots=True)
class ReplayReport:
    """What was replayed up to `position`, and everything that was found.

    `is_whole` says that it went up to the log's end, so that what is stored was compared:
    `heads`, `keys` and `names` count it, `tables` counts the rows in which a read model
    differs, and is None where none was compared.
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
    """What of a ledger is replayed: up to where, which share, and whether read models are made.

    A share looks at its part alone; `together` makes one report of all.
    """

    as_of: int | datetime | None = None
    share: Partition = WHOLE
    heads_max: int = HEADS_MAX
    with_tables: bool = True


EVERYTHING = ReplayScope()


async def replay(
    dsn: str, vault: Vault, scope: ReplayScope = EVERYTHING, progress: Progress = silent
) -> ReplayReport:
    """Tell the log again up to its end, or up to a position or a moment.

    Only at its end can what is stored be compared: before it the log is folded, counted and
    decided again, no more.

    Raises:
        NoSuchMomentError: the log has not come so far.
    """
    as_of, share, heads_max, with_tables = scope
    async with _connected(dsn) as reader, _connected(dsn) as connection:
        upto = await position_at(connection, as_of) if as_of is not None else None
        topics = dict(await connection.fetch("SELECT id, topic FROM topics"))
        report = ReplayReport(is_whole=upto is None)
        world = StateCache(connection, topics, heads_max)
        await world.begin()
        course = LogWalk(world, vault, report.found, share)
        telling = _Telling(course, world, topics, share, progress)
        await telling.follow(reader, upto)
        async with connection.transaction(isolation="repeatable_read"):
            await telling.finish(connection, upto)
            if report.is_whole:
                report.heads = await compare_heads(connection, world, share, report.found)
                bills = course.bills
                report.keys = await compare_keys(connection, vault, bills.keys, share, report.found)
                names = Names(vault, course.counts.named(), share, bills.names)
                report.names = await compare_names(connection, names, report.found)
        report.position = telling.position
        report.counts, report.money = course.counts, course.money
        report.set_aside = world.set_aside
    if report.is_whole and with_tables and share.number == 0:
        report.tables = await _tables(dsn, report.found)
    return report


def together(reports: Sequence[ReplayReport]) -> ReplayReport:
    """The reports of all shares as one; the first one's read models and money are everybody's."""
    whole = reports[0]
    for other in reports[1:]:
        whole.position = max(whole.position, other.position)
        whole.counts.add(other.counts)
        whole.money.explained_fen += other.money.explained_fen
        whole.money.settled_fen += other.money.settled_fen
        whole.heads += other.heads
        whole.keys += other.keys
        whole.names += other.names
        whole.set_aside += other.set_aside
        whole.found.add(other.found)
    return whole


async def position_at(connection: Connection, as_of: int | datetime) -> int:
    """A position that the log has reached; of a moment, the last one recorded by then.

    Raises:
        NoSuchMomentError: the log has not come so far.
    """
    head: int = await connection.fetchval("SELECT position FROM log_head")
    if isinstance(as_of, int):
        if not 0 <= as_of <= head:
            raise NoSuchMomentError
        return as_of
    at, first, last = micros(instant(as_of)), 0, head
    while first < last:  # moments never fall, and only positions have an index
        middle = (first + last + 1) // 2
        recorded = await connection.fetchval(
            "SELECT recorded_at FROM events WHERE position >= $1 ORDER BY position LIMIT 1", middle
        )
        first, last = (middle, last) if recorded <= at else (first, middle - 1)
    return first


class _Telling:
    """Reads the log page after page into a course."""

    def __init__(
        self,
        course: LogWalk,
        world: StateCache,
        topics: Mapping[int, str],
        share: Partition,
        progress: Progress,
    ) -> None:
        bills = [code for code, topic in topics.items() if topic.startswith("settlement.")]
        self._parted = (bills, share.of, share.number)
        self._is_first = share.number == 0
        self.course = course
        self.position = 0
        self._world = world
        self._topics = topics
        self._prefixes = {
            code: (topic, f"{TOPIC_PREFIX[topic.partition('.')[0]]}_")
            for code, topic in topics.items()
            if topic in CLASSES
        }
        self._progress = progress
        self._recorded_at = 0

    async def follow(self, reader: Connection, upto: int | None) -> None:
        """Tell what the log has when this begins, reading ahead."""
        head: int = await reader.fetchval("SELECT position FROM log_head")
        head = head if upto is None else upto
        ahead = asyncio.create_task(reader.fetch(ROWS, 0, head, PAGE, *self._parted))
        while page := await ahead:
            last: int = page[-1]["position"]
            ahead = asyncio.create_task(reader.fetch(ROWS, last, head, PAGE, *self._parted))
            await asyncio.sleep(0)  # the query is on its way while this page is told
            await self._tell(page)
            self._progress(self.position, head)

    async def finish(self, connection: Connection, upto: int | None) -> None:
        """Tell the rest, as the snapshot shows it, and see that it is all."""
        head: int = await connection.fetchval("SELECT position FROM log_head")
        last = head if upto is None else upto
        while page := await connection.fetch(ROWS, self.position, last, PAGE, *self._parted):
            await self._tell(page)
        beyond = await connection.fetchval("SELECT max(position) FROM events")
        if upto is None and self._is_first and (self.position, beyond or 0) != (head, head):
            said = f"the head says {head}, the last event is {beyond or 0}"
            self.course.found.note((head, None), Mismatch.POSITION, said, self.position)
        self.course.end()
        self._progress(self.position, last)

    async def _tell(self, page: list[Record]) -> None:
        before, rows = self.position, self._rows(page)
        used = {row.stream for row in rows}
        late = {row.stream for row in rows if row.version > 1 and row.state is not None}
        await self._world.fetch(used, late, before)
        at = 0
        while at < len(rows):
            try:
                while at < len(rows):
                    at = self.course.go_on(rows, at)
            except UnreadError as unread:
                await self._world.load(unread, rows[at].position)
        await self._world.settle(used)

    def _rows(self, page: list[Record]) -> list[Stored]:
        """The rows that are ours; what the library stored under its own topics is passed over."""
        rows: list[Stored] = []
        prefixes, before, at = self._prefixes, self.position, self._recorded_at
        for position, recorded_at, stream, amount_fen, version, code, state in page:
            if position != before + 1 or recorded_at < at:
                self._note_gap((position, recorded_at), (before, at))
            before, at = position, recorded_at
            known = prefixes.get(code)
            if known is None:
                self._note_strange(position, self._topics.get(code, ""), code)
                continue
            topic, prefix = known
            stream_id = StreamId(prefix + stream.hex)
            rows.append(Stored(position, recorded_at, stream_id, amount_fen, version, topic, state))
        self.position, self._recorded_at = before, at
        return rows

    def _note_gap(self, here: tuple[int, int], before: tuple[int, int]) -> None:
        where = (here[0], None)
        if self._is_first and here[0] != before[0] + 1:
            self.course.found.note(where, Mismatch.POSITION, here[0], before[0] + 1)
        if self._is_first and here[1] < before[1]:
            self.course.found.note(where, Mismatch.POSITION, "recorded before", "its predecessor")

    def _note_strange(self, position: int, topic: str, code: int) -> None:
        if self._is_first and (not topic or OURS.fullmatch(topic)):
            self.course.found.note(
                (position, None), Mismatch.EVENT, topic or f"topic {code}", "unknown"
            )


async def _tables(dsn: str, found: Differences) -> dict[str, int] | None:
    """Read models made beside the live ones and compared.

    None where a rebuild is at work, and where the log ends too early: no read model can be made
    of it. An event that a read model cannot take is a difference: the read model lacks it.
    """
    try:
        tables, left_out = await check(dsn)
    except (RebuildRunningError, LogCutError):
        return None
    for table, rows in tables.items():
        if rows:
            found.note((None, None), Mismatch.READ_MODEL, f"{table}: {rows} rows differ", "0 rows")
    for each in left_out:
        told = f"{each.projection}: parked, {' '.join(each.cause)}"
        found.note((each.position, None), Mismatch.READ_MODEL, told, "taken")
    return tables


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, SETTINGS)
    try:
        yield connection
    finally:
        await connection.close()
