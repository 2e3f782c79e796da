"""Signals for auditors, and the journals that the rules read.

Each trace is evaluated once, by the state before it, so a rebuild raises the same signals.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from aggregates.account.events import AccountOpened
from aggregates.institution import InstitutionDesignated
from aggregates.settlement.events import Settled
from aggregates.vocabulary import StreamId
from projections.audit.aid_share import Month
from projections.audit.evaluation import (
    Home,
    Pages,
    SignalState,
    evaluate,
    month_of,
    no_pages,
    observe,
)
from projections.audit.observations import (
    BUSY_MAX,
    FOLLOWING,
    TRACED,
    ObservationKind,
    Trace,
    owner_in,
)
from projections.audit.thresholds import Signal, SignalKind
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, storable_at

TABLE = Table(
    "signals",
    """
    CREATE TABLE {name} (
        position    bigint NOT NULL,
        kind        text COLLATE "C" NOT NULL,
        number      integer NOT NULL,
        accounts    text[] NOT NULL,
        settlements text[] NOT NULL,
        places      text[] NOT NULL,
        positions   bigint[] NOT NULL,
        figures     jsonb NOT NULL,
        regions     text[] NOT NULL,
        CONSTRAINT {name}_pkey PRIMARY KEY (position, kind, number)
    );
    CREATE INDEX {name}_by_kind ON {name} (kind, position);
    CREATE TABLE {name}_traces (
        entity     text COLLATE "C" NOT NULL,
        position   bigint NOT NULL,
        what       text NOT NULL,
        at         timestamptz NOT NULL,
        day        date NOT NULL,
        stream     text NOT NULL,
        place      text,
        parties    text[] NOT NULL,
        amount_fen bigint NOT NULL,
        limit_fen  bigint,
        word       text NOT NULL,
        is_exact   boolean NOT NULL,
        CONSTRAINT {name}_traces_pkey PRIMARY KEY (entity, position, what)
    );
    CREATE INDEX {name}_rare ON {name}_traces (entity, position)
     WHERE what NOT IN ('bill', 'sold', 'gave', 'returned', 'shown');
    CREATE TABLE {name}_owners (
        stream text COLLATE "C" NOT NULL,
        entity text NOT NULL,
        CONSTRAINT {name}_owners_pkey PRIMARY KEY (stream)
    );
    CREATE TABLE {name}_homes (
        entity text COLLATE "C" NOT NULL,
        region text NOT NULL,
        kind   text NOT NULL,
        CONSTRAINT {name}_homes_pkey PRIMARY KEY (entity)
    );
    CREATE TABLE {name}_months (
        place   text COLLATE "C" NOT NULL,
        month   text COLLATE "C" NOT NULL,
        kind    text NOT NULL,
        bills   integer NOT NULL,
        own_fen numeric NOT NULL,
        aid_fen numeric NOT NULL,
        last    bigint NOT NULL,
        CONSTRAINT {name}_months_pkey PRIMARY KEY (month, place)
    );
    """,
    parts=("", "_traces", "_owners", "_homes", "_months"),
    shape=2,  # a month's sums are wider than one bill's
)
LOCATING = (AccountOpened, InstitutionDesignated)
"""Events that say the region of their stream."""
READS = (*LOCATING, *TRACED)


# ------------------------------------------------------------------ how a batch is written

HOMES = "SELECT entity, region, kind FROM {name}_homes WHERE entity = ANY ($1::text[])"
OWNERS = "SELECT stream, entity FROM {name}_owners WHERE stream = ANY ($1::text[])"
MONTHS = """
    SELECT place, month, kind, bills, own_fen, aid_fen, last FROM {name}_months
     WHERE month = ANY ($1::text[]) OR month = (SELECT max(month) FROM {name}_months)
"""
LINE = """entity, position, what, at, day, stream, place, parties, amount_fen, limit_fen, word,
    is_exact"""
BUSY_KINDS = "('bill', 'sold', 'gave', 'returned', 'shown')"
RARE = f"""
    SELECT {LINE} FROM {{name}}_traces
     WHERE entity = ANY ($1::text[]) AND what NOT IN {BUSY_KINDS}
     ORDER BY position
"""  # noqa: S608 -- column names of ours
NEWEST = f"""
    SELECT t.* FROM unnest($1::text[]) AS e(entity) CROSS JOIN LATERAL (
        SELECT {LINE} FROM {{name}}_traces b
         WHERE b.entity = e.entity AND what IN {BUSY_KINDS}
         ORDER BY position DESC, what DESC LIMIT {BUSY_MAX}) t
     ORDER BY t.position, t.what
"""  # noqa: S608 -- column names of ours
KEEP_TRACES = f"""
    INSERT INTO {{name}}_traces ({LINE})
    SELECT entity, position, what, at, day, stream, place,
           ARRAY(SELECT jsonb_array_elements_text(parties::jsonb)),
           amount_fen, limit_fen, word, is_exact
      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::date[],
                  $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
                  $11::text[], $12::boolean[])
           AS t({LINE})
"""  # noqa: S608 -- column names of ours
KEEP_OWNERS = """
    INSERT INTO {name}_owners SELECT * FROM unnest($1::text[], $2::text[])
        ON CONFLICT (stream) DO NOTHING
"""
KEEP_HOMES = """
    INSERT INTO {name}_homes SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (entity) DO UPDATE SET region = EXCLUDED.region, kind = EXCLUDED.kind
"""
KEEP_MONTHS = """
    INSERT INTO {name}_months
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[],
                         $5::numeric[], $6::numeric[], $7::bigint[])
        ON CONFLICT (month, place) DO UPDATE
       SET kind = EXCLUDED.kind, bills = EXCLUDED.bills, own_fen = EXCLUDED.own_fen,
           aid_fen = EXCLUDED.aid_fen, last = EXCLUDED.last
"""
KEEP_SIGNALS = """
    INSERT INTO {name}
    SELECT position, kind, number, string_to_array(accounts, ' '),
           string_to_array(settlements, ' '), string_to_array(places, ' '),
           string_to_array(positions, ' ')::bigint[], figures::jsonb, string_to_array(regions, ' ')
      FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[],
                  $7::text[], $8::text[], $9::text[])
           AS s(position, kind, number, accounts, settlements, places, positions, figures, regions)
"""


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Evaluate a batch of events, and write their traces and signals."""
    own = [recorded for recorded in events if isinstance(recorded.event, READS)]
    if not own:
        return
    state = await _state(connection, name, own)
    months_before = dict(state.months)
    observed = observe(state, own)
    traces = [trace for _, new in observed for trace in new]
    state.journals = await _journals(connection, name, traces)
    raised = evaluate(state, observed)
    begun = [(r.stream, owner) for r in own if (owner := owner_in(r)) is not None]
    moved = {recorded.stream for recorded in own if isinstance(recorded.event, LOCATING)}
    for statement, rows in (
        (KEEP_TRACES, [_line(trace) for trace in traces]),
        (KEEP_OWNERS, list(dict.fromkeys(begun))),
        (KEEP_HOMES, [(stream, *state.homes[stream]) for stream in sorted(moved)]),
        (KEEP_MONTHS, [m for key, m in state.months.items() if months_before.get(key) != m]),
        (KEEP_SIGNALS, await _signal_rows(connection, name, state, raised)),
    ):
        if rows:
            await connection.execute(statement.format(name=name), *columns(rows, len(rows[0])))


async def _state(connection: Connection, name: str, own: Sequence[RecordedEvent]) -> SignalState:
    bills = [recorded.event for recorded in own if isinstance(recorded.event, Settled)]
    months = {month_of(bill) for bill in bills}
    stored = await connection.fetch(MONTHS.format(name=name), sorted(months)) if bills else []
    counted = [_month(row) for row in stored]
    follows = {recorded.stream for recorded in own if isinstance(recorded.event, FOLLOWING)}
    owners = await connection.fetch(OWNERS.format(name=name), sorted(follows)) if follows else []
    return SignalState(
        homes=await _homes(connection, name, {bill.claim.institution for bill in bills}),
        owners={row["stream"]: row["entity"] for row in owners},
        months={(month.month, month.place): month for month in counted},
        journals={},
        newest=max((month.month for month in counted), default=min(months, default="")),
    )


def _month(record: Any) -> Month:  # noqa: ANN401 -- a record of asyncpg
    month = Month(*record)
    return month._replace(own_fen=int(month.own_fen), aid_fen=int(month.aid_fen))


async def _homes(
    connection: Connection, name: str, entities: Collection[StreamId]
) -> dict[StreamId, Home]:
    if not entities:
        return {}
    found = await connection.fetch(HOMES.format(name=name), sorted(entities))
    return {row["entity"]: Home(row["region"], row["kind"]) for row in found}


async def _journals(
    connection: Connection, name: str, traces: Sequence[Trace]
) -> dict[StreamId, Pages]:
    """The journals that these traces continue, without them."""
    journals = {trace.entity: no_pages() for trace in traces}
    for statement in (RARE, NEWEST) if traces else ():
        for row in await connection.fetch(statement.format(name=name), sorted(journals)):
            trace = Trace(*row)
            trace = trace._replace(what=ObservationKind(trace.what), parties=tuple(trace.parties))
            journals[trace.entity].add(trace)
    return journals


def _line(trace: Trace) -> tuple[Any, ...]:
    # Parties go as JSON, so that any texts come back as the same list.
    parties = json.dumps(trace.parties)
    return (*trace[:3], storable_at(trace.at), *trace[4:7], parties, *trace[8:])


async def _signal_rows(
    connection: Connection, name: str, state: SignalState, raised: Sequence[Signal]
) -> list[tuple[Any, ...]]:
    sides = {side for signal in raised for side in (*signal.accounts, *signal.places)}
    homes = state.homes | await _homes(connection, name, sides - set(state.homes))
    numbers: dict[tuple[int, SignalKind], int] = {}
    rows: list[tuple[Any, ...]] = []
    for signal in raised:
        place = signal.position, signal.kind
        numbers[place] = number = numbers.get(place, 0) + 1
        where = (homes.get(side) for side in (*signal.accounts, *signal.places))
        regions = sorted({home.region for home in where if home is not None})
        lists = (signal.accounts, signal.settlements, signal.places, map(str, signal.positions))
        figures = json.dumps(signal.figures, sort_keys=True)
        texts = (" ".join(items) for items in lists)
        rows.append((*place, number, *texts, figures, " ".join(regions)))
    return rows


# ------------------------------------------------------------------ queries

SHOWN = "position, kind, accounts, settlements, places, positions, figures"
OF_KIND = f"""
    SELECT {SHOWN} FROM {TABLE.stored}
     WHERE position > $1 AND ($2::text IS NULL OR kind = $2)
       AND ($3::text IS NULL OR regions @> ARRAY[$3::text])
     ORDER BY position, kind, number LIMIT $4
"""  # noqa: S608 -- column names of ours


async def after(
    reader: Reader, position: int, kind: SignalKind | None, region: str | None, limit: int
) -> list[Signal]:
    """At least `limit` signals after a position if there are so many, the oldest first.

    All signals of one position come together, so that a reader can continue after the last one.
    """
    found = await reader.fetch(OF_KIND, position, kind, region, limit)
    if len(found) == limit:
        last = found[-1]["position"]
        rest = await reader.fetch(OF_KIND, last - 1, kind, region, NUMBERS_MAX)
        found = [
            *(row for row in found if row["position"] < last),
            *(row for row in rest if row["position"] == last),
        ]
    return [_signal(row) for row in found]


NUMBERS_MAX = 1000
"""More than the signals that one event can raise."""


def _signal(row: Any) -> Signal:  # noqa: ANN401 -- a record of asyncpg
    position, kind, accounts, settlements, places, positions, figures = row
    return Signal(
        kind=SignalKind(kind),
        position=position,
        accounts=tuple(map(StreamId, accounts)),
        settlements=tuple(map(StreamId, settlements)),
        places=tuple(map(StreamId, places)),
        positions=tuple(positions),
        figures=json.loads(figures),
    )
