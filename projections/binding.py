"""Who sponsors whom, and since when; for lists by party and by region.

A grant or an invitation runs out by itself: the status is computed when it is asked for.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, NamedTuple

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
from projections.kit import sql
from projections.kit.paging import Page, below, bounded, page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of

CHANGES = (BindingConfirmed, InvitationDeclined, GrantChanged, BindingReleased)
READS = (AccountOpened, InvitationSent, StrangerInvited, *CHANGES)


def _uses(text: str) -> tuple[Use, ...]:
    return tuple(Use(use) for use in text.split(",") if use)


class BindingRow(NamedTuple):
    """A binding; `position` is where the invitation stands in the log."""

    binding: Annotated[StreamId, sql.stream_key("bnd")]
    position: int
    version: sql.Integer
    sponsor: sql.AccountKey
    beneficiary: sql.AccountKey
    relation: Relation
    uses: Annotated[tuple[Use, ...], sql.SqlType("text", _uses, ",".join)]
    caps: Annotated[Caps, sql.Members()]
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


class AccountRegion(NamedTuple):
    """The region that an account was opened in."""

    account: sql.AccountKey
    region: str


COLUMNS, REGIONS = sql.RowColumns(BindingRow), sql.RowColumns(AccountRegion)
TABLE = Table(
    "bindings",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, sponsor_region text, beneficiary_region text,
        CONSTRAINT {{name}}_pkey PRIMARY KEY (binding)
    ) WITH (fillfactor = 80);
    CREATE INDEX {{name}}_by_position ON {{name}} (position);
    CREATE INDEX {{name}}_by_sponsor ON {{name}} (sponsor, position);
    CREATE INDEX {{name}}_by_beneficiary ON {{name}} (beneficiary, position);
    CREATE INDEX {{name}}_by_sponsor_region ON {{name}} (sponsor_region, position);
    CREATE INDEX {{name}}_by_beneficiary_region ON {{name}} (beneficiary_region, position);
    CREATE TABLE {{name}}_regions (
        {REGIONS.ddl}, CONSTRAINT {{name}}_regions_pkey PRIMARY KEY (account)
    );
    """,
    parts=("", "_regions"),
)
OPENED = f"{REGIONS.insert('_regions')} ON CONFLICT (account) DO NOTHING"
UPSERT = f"""
    INSERT INTO {{name}} ({COLUMNS.names}, sponsor_region, beneficiary_region)
    SELECT n.*, s.region, b.region
      FROM {COLUMNS.unnest} AS n ({COLUMNS.names})
      LEFT JOIN {{name}}_regions s ON s.account = n.sponsor
      LEFT JOIN {{name}}_regions b ON b.account = n.beneficiary
        ON CONFLICT (binding) DO UPDATE
    {sql.assignments([*COLUMNS.names.split(", ")[1:], "sponsor_region", "beneficiary_region"])}
"""  # noqa: S608 -- column names of ours
ROWS = Rows((InvitationSent, StrangerInvited), CHANGES, evolve, COLUMNS, UPSERT)


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts changes; an account's region is known before its bindings."""
    regions = [
        REGIONS.values(AccountRegion(fact.stream, fact.event.region))
        for fact in facts
        if isinstance(fact.event, AccountOpened)
    ]
    if regions:
        await connection.execute(OPENED.format(name=name), *columns(regions, 2))
    await ROWS.write(connection, name, facts)


STANDING = """CASE
        WHEN status = 'invited' AND $1::timestamptz > expires_at THEN 'expired'
        WHEN status = 'active' AND $2::date > valid_until THEN 'expired'
        WHEN $2::date <= last_on THEN 'active'
        ELSE status END"""
"""The status at a moment $1 on a day $2, as `aggregates.binding.Binding.status_at` has it."""
SIDE = f"""
    (SELECT {COLUMNS.names.replace("status", f"{STANDING} AS status")} FROM bindings
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
    rows = [COLUMNS.read(row) for row in found]
    return page(rows, [row.position for row in rows], limit)
