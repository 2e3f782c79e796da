"""Who sponsors whom, and since when; for lists by party and by region.

A grant or an invitation runs out by itself: the status is computed when it is asked for.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from aggregates.account.events import AccountOpened
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
    StrangerInvited,
)
from aggregates.vocabulary import BindingStatus, Instant, Relation, StreamId, Use
from projections.kit.paging import Page, below, bounded, page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

TABLE = Table(
    "bindings",
    """
    CREATE TABLE {name} (
        binding            uuid NOT NULL,
        position           bigint NOT NULL,
        version            integer NOT NULL,
        sponsor            uuid NOT NULL,
        beneficiary        uuid NOT NULL,
        relation           text NOT NULL,
        uses               text NOT NULL,
        per_settlement_fen bigint,
        per_day_fen        bigint,
        per_month_fen      bigint,
        per_year_fen       bigint,
        status             text NOT NULL,
        valid_from         date NOT NULL,
        valid_until        date,
        active_from        date,
        expires_at         timestamptz NOT NULL,
        last_on            date,
        sponsor_region     text,
        beneficiary_region text,
        CONSTRAINT {name}_pkey PRIMARY KEY (binding)
    ) WITH (fillfactor = 80);
    CREATE INDEX {name}_by_position ON {name} (position);
    CREATE INDEX {name}_by_sponsor ON {name} (sponsor, position);
    CREATE INDEX {name}_by_beneficiary ON {name} (beneficiary, position);
    CREATE INDEX {name}_by_sponsor_region ON {name} (sponsor_region, position);
    CREATE INDEX {name}_by_beneficiary_region ON {name} (beneficiary_region, position);
    CREATE TABLE {name}_regions (
        account uuid NOT NULL,
        region  text NOT NULL,
        CONSTRAINT {name}_regions_pkey PRIMARY KEY (account)
    );
    """,
    parts=("", "_regions"),
)
CHANGES = (BindingConfirmed, InvitationDeclined, GrantChanged, BindingReleased)
READS = (AccountOpened, InvitationSent, StrangerInvited, *CHANGES)


class BindingRow(NamedTuple):
    """A binding; `position` is where the invitation stands in the log."""

    binding: StreamId
    position: int
    version: int
    sponsor: StreamId
    beneficiary: StreamId
    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    status: BindingStatus
    valid_from: date
    valid_until: date | None
    active_from: date | None
    expires_at: datetime
    last_on: date | None


def evolve(row: BindingRow | None, fact: RecordedEvent) -> BindingRow | None:
    """Fold one event into a binding's row. Never judges."""
    if isinstance(fact.event, InvitationSent):
        return _invited(fact, fact.event)
    if row is None:
        return None
    match fact.event:
        case BindingConfirmed(active_from=active_from):
            row = row._replace(status=BindingStatus.ACTIVE, active_from=active_from)
        case InvitationDeclined():
            row = row._replace(status=BindingStatus.DECLINED)
        case GrantChanged(uses=uses, caps=caps, valid_until=valid_until):
            row = row._replace(uses=uses, caps=caps, valid_until=valid_until)
        case BindingReleased(status=status, last_on=last_on):
            row = row._replace(status=status, last_on=last_on)
        case _:
            return row
    return row._replace(version=fact.version)


def _invited(fact: RecordedEvent, event: InvitationSent) -> BindingRow:
    return BindingRow(
        binding=fact.stream,
        position=fact.position,
        version=fact.version,
        sponsor=event.sponsor,
        beneficiary=event.beneficiary,
        relation=event.relation,
        uses=event.uses,
        caps=event.caps,
        status=BindingStatus.INVITED,
        valid_from=event.valid_from,
        valid_until=event.valid_until,
        active_from=None,
        expires_at=event.expires_at,
        last_on=None,
    )


COLUMNS = """binding, position, version, sponsor, beneficiary, relation, uses,
           per_settlement_fen, per_day_fen, per_month_fen, per_year_fen,
           status, valid_from, valid_until, active_from, expires_at, last_on"""
REGIONS = """
    INSERT INTO {name}_regions SELECT * FROM unnest($1::uuid[], $2::text[])
        ON CONFLICT (account) DO NOTHING
"""
STORED = f"SELECT {COLUMNS} FROM {{name}} WHERE binding = ANY ($1::uuid[])"  # noqa: S608 -- ours
UPSERT = f"""
    INSERT INTO {{name}} ({COLUMNS}, sponsor_region, beneficiary_region)
    SELECT n.*, s.region, b.region
      FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::uuid[], $5::uuid[], $6::text[],
                  $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                  $12::text[], $13::date[], $14::date[], $15::date[], $16::timestamptz[],
                  $17::date[]) AS n ({COLUMNS})
      LEFT JOIN {{name}}_regions s ON s.account = n.sponsor
      LEFT JOIN {{name}}_regions b ON b.account = n.beneficiary
        ON CONFLICT (binding) DO UPDATE
       SET position = EXCLUDED.position, version = EXCLUDED.version,
           sponsor = EXCLUDED.sponsor, beneficiary = EXCLUDED.beneficiary,
           sponsor_region = EXCLUDED.sponsor_region,
           beneficiary_region = EXCLUDED.beneficiary_region,
           relation = EXCLUDED.relation, uses = EXCLUDED.uses,
           per_settlement_fen = EXCLUDED.per_settlement_fen, per_day_fen = EXCLUDED.per_day_fen,
           per_month_fen = EXCLUDED.per_month_fen, per_year_fen = EXCLUDED.per_year_fen,
           status = EXCLUDED.status, valid_from = EXCLUDED.valid_from,
           valid_until = EXCLUDED.valid_until, active_from = EXCLUDED.active_from,
           expires_at = EXCLUDED.expires_at, last_on = EXCLUDED.last_on
"""  # noqa: S608 -- column names of ours


def _values(row: BindingRow) -> tuple[Any, ...]:
    caps = row.caps
    return (
        key_of(row.binding),
        *row[1:3],
        key_of(row.sponsor),
        key_of(row.beneficiary),
        row.relation,
        ",".join(row.uses),
        *(caps.per_settlement_fen, caps.per_day_fen, caps.per_month_fen, caps.per_year_fen),
        *row[8:],
    )


def _row(found: Any) -> BindingRow:  # noqa: ANN401 -- a record of asyncpg
    binding, position, version, sponsor, beneficiary, relation, uses, *rest = found
    settlement_fen, day_fen, month_fen, year_fen, status, *days = rest
    return BindingRow(
        stream_of("bnd", binding),
        position,
        version,
        stream_of("acc", sponsor),
        stream_of("acc", beneficiary),
        Relation(relation),
        tuple(Use(use) for use in uses.split(",") if use),
        Caps(
            per_settlement_fen=settlement_fen,
            per_day_fen=day_fen,
            per_month_fen=month_fen,
            per_year_fen=year_fen,
        ),
        BindingStatus(status),
        *days,
    )


ROWS = Rows(
    begins=(InvitationSent, StrangerInvited),
    changes=CHANGES,
    evolve=evolve,
    stored=STORED,
    upsert=UPSERT,
    row=_row,
    values=_values,
)


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts changes; an account's region is known before its bindings."""
    opened = [(f.stream, f.event) for f in facts if isinstance(f.event, AccountOpened)]
    regions = [(key_of(account), event.region) for account, event in opened]
    if regions:
        await connection.execute(REGIONS.format(name=name), *columns(regions, 2))
    await ROWS.write(connection, name, facts)


STANDING = """CASE
        WHEN status = 'invited' AND $1::timestamptz > expires_at THEN 'expired'
        WHEN status = 'active' AND $2::date > valid_until THEN 'expired'
        WHEN $2::date <= last_on THEN 'active'
        ELSE status END"""
"""The status at a moment $1 on a day $2, as `aggregates.binding.Binding.status_at` has it."""
SIDE = f"""
    (SELECT {COLUMNS.replace("status", f"{STANDING} AS status")} FROM bindings
      WHERE {{side}} AND position < $3 AND ($4::text IS NULL OR {STANDING} = $4)
      ORDER BY position DESC LIMIT $5)
"""  # noqa: S608 -- column names of ours
EVERY = SIDE.format(side="true")
BOTH = "{0} UNION {1} ORDER BY position DESC LIMIT $5"
OF_PARTY, OF_REGION = (
    BOTH.format(
        SIDE.format(side=f"sponsor{of} = $6{cast}"), SIDE.format(side=f"beneficiary{of} = $6{cast}")
    )
    for of, cast in (("", "::uuid"), ("_region", "::text"))
)


class BindingFilter(NamedTuple):
    """What part of a list is wanted: bindings that stand so at this instant, and which page."""

    now: Instant
    status: BindingStatus | None = None
    cursor: str | None = None
    limit: int = 50


async def of_party(reader: Reader, account: StreamId, wanted: BindingFilter) -> Page[BindingRow]:
    """The bindings in which this account sponsors or is sponsored, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    return await _listed(reader, OF_PARTY, wanted, key_of(account))


async def of_region(reader: Reader, region: str, wanted: BindingFilter) -> Page[BindingRow]:
    """The bindings with a party in this region, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    return await _listed(reader, OF_REGION, wanted, region)


async def of_all(reader: Reader, wanted: BindingFilter) -> Page[BindingRow]:
    """Every binding, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    return await _listed(reader, EVERY, wanted)


async def _listed(
    reader: Reader, query: str, wanted: BindingFilter, *side: str
) -> Page[BindingRow]:
    now, status, cursor, limit = wanted
    limit = bounded(limit)
    found = await reader.fetch(query, now.at, now.on, below(cursor), status, limit + 1, *side)
    rows = [_row(row) for row in found]
    return page(rows, [row.position for row in rows], limit)
