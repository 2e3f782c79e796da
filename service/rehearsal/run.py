"""Runs a rehearsal over a ledger's log, on its own connection; nothing is stored or blocked."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from asyncpg import Connection, Record

from aggregates.policy.rulebook import EditionPublished
from aggregates.topics import CLASSES, TOPICS
from aggregates.vocabulary import BEIJING, StreamId, instant
from service.clock import micros
from service.ledger.codec import TOPIC_PREFIX, parts
from service.ledger.overlay import UnreadError
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import READER
from service.rehearsal.draft import FIRST_DAY, read_draft
from service.rehearsal.report import Report, report_of
from service.rehearsal.walk import RehearsalScope, RehearsalWalk
from service.replay.decoding import Stored, read_quickly
from service.replay.run import NoSuchMomentError, position_at
from service.replay.state_cache import HEADS_MAX, StateCache
from service.runtime.progress import Progress, silent
from service.vault import Vault

PAGE = 4000
SETTINGS = {"role": READER, "jit": "off", "application_name": "gongji-rehearsal"}
ROWS = """
    SELECT position, recorded_at, stream, amount_fen, version, topic, state
      FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""
PUBLISHED = "SELECT state FROM events WHERE topic = $1"
LATEST_US = 2**62


class RehearsalRequest(NamedTuple):
    """What is rehearsed: the draft's text, the first and last Beijing day, whose patients."""

    draft: str
    from_on: date | None = None
    to_on: date | None = None
    region: str | None = None


def scope_of(request: RehearsalRequest) -> RehearsalScope:
    """The range of a request; without days it is the whole log."""
    first, last = request.from_on, request.to_on
    return RehearsalScope(
        0 if first is None else _midnight_us(first),
        LATEST_US if last is None else _midnight_us(last + timedelta(days=1)) - 1,
        first or FIRST_DAY,
        request.region,
    )


async def rehearse(
    dsn: str,
    vault: Vault,
    regions: Path,
    request: RehearsalRequest,
    progress: Progress = silent,
    heads_max: int = HEADS_MAX,
) -> Report:
    """Decide the range of a log again under a draft.

    Raises:
        PolicyFilesError: the draft is unsound.
    """
    connection = await connect(dsn, SETTINGS)
    try:
        topics: dict[int, str] = dict(await connection.fetch("SELECT id, topic FROM topics"))
        draft = read_draft(regions, request.draft, await _published(connection, topics))
        states = StateCache(connection, topics, heads_max)
        await states.begin()
        scope = scope_of(request)
        walk = RehearsalWalk(states, vault, draft, scope)
        last = await _last(connection, scope)
        await _Rows(topics, walk, states).follow(connection, last, progress)
    finally:
        await connection.close()
    asked = {
        "from": _day(request.from_on),
        "to": _day(request.to_on),
        "region": request.region,
    }
    return report_of(draft, walk.tally, asked) | {"position": last}


async def _published(connection: Connection, topics: Mapping[int, str]) -> dict[str, set[str]]:
    """The ids of the editions in the log, by area."""
    topic = TOPICS[EditionPublished]
    code = next((code for code, name in topics.items() if name == topic), None)
    ids: dict[str, set[str]] = {}
    for row in await connection.fetch(PUBLISHED, code):
        event = read_quickly(topic, parts(row["state"])[1])
        assert isinstance(event, EditionPublished), "its topic says so"
        ids.setdefault(event.region, set()).add(event.edition)
    return ids


async def _last(connection: Connection, scope: RehearsalScope) -> int:
    head: int = await connection.fetchval("SELECT position FROM log_head")
    if scope.to_us == LATEST_US:
        return head
    until = datetime.fromtimestamp(scope.to_us / 1_000_000, BEIJING)
    try:
        return await position_at(connection, until)
    except NoSuchMomentError:
        return head


class _Rows:
    """Reads the log page by page into a walk."""

    def __init__(self, topics: Mapping[int, str], walk: RehearsalWalk, states: StateCache) -> None:
        self._walk = walk
        self._states = states
        self._prefixes = {
            code: (topic, f"{TOPIC_PREFIX[topic.partition('.')[0]]}_")
            for code, topic in topics.items()
            if topic in CLASSES
        }

    async def follow(self, connection: Connection, last: int, progress: Progress) -> None:
        after = 0
        while page := await connection.fetch(ROWS, after, last, PAGE):
            before, after = after, page[-1]["position"]
            rows = [row for record in page if (row := self._row(record)) is not None]
            used = {row.stream for row in rows}
            await self._states.fetch(used, (), before)
            for row in rows:
                await self._take(row)
            await self._states.settle(used)
            progress(after, last)

    async def _take(self, row: Stored) -> None:
        while True:
            try:
                self._walk.take(row)
            except UnreadError as unread:
                await self._states.load(unread, row.position)
            else:
                return

    def _row(self, record: Record) -> Stored | None:
        position, recorded_at, stream, amount_fen, version, code, state = record
        if code not in self._prefixes:
            return None
        topic, prefix = self._prefixes[code]
        stream_id = StreamId(prefix + stream.hex)
        return Stored(position, recorded_at, stream_id, amount_fen, version, topic, state)


def _midnight_us(on: date) -> int:
    return micros(instant(datetime.combine(on, time.min, BEIJING)))


def _day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()
