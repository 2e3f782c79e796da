"""Bindings as lists by party and by region.

Grants and invitations expire without an event, so a query computes the status.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, NamedTuple

from aggregates.account.events import AccountOpened
from aggregates.binding import events as binding_events
from aggregates.vocabulary import (
    BindingStatus,
    Instant,
    KinshipEvidence,
    Relation,
    StreamId,
    Use,
)
from projections.kit import sql
from projections.kit.paging import Page, below, bounded, page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of

CHANGES = (
    binding_events.DocumentReviewed,
    binding_events.BindingConfirmed,
    binding_events.InvitationDeclined,
    binding_events.GrantChanged,
    binding_events.BindingReleased,
)
READS = (AccountOpened, binding_events.InvitationSent, binding_events.StrangerInvited, *CHANGES)


def _uses(text: str) -> tuple[Use, ...]:
    return tuple(Use(use) for use in text.split(",") if use)


class BindingRow(NamedTuple):
    """A binding; `position` is that of its invitation."""

    binding: Annotated[StreamId, sql.stream_key("bnd")]
    position: int
    version: sql.Integer
    sponsor: sql.AccountKey
    beneficiary: sql.AccountKey
    relation: Relation
    uses: Annotated[tuple[Use, ...], sql.SqlType("text", _uses, ",".join)]
    caps: Annotated[binding_events.Caps, sql.Members()]
    status: BindingStatus
    valid_from: date
    valid_until: date | None
    active_from: date | None
    expires_at: datetime
    last_on: date | None
    review_until: date | None
    evidence: KinshipEvidence
    evidence_reference: str | None


def evolve(row: BindingRow | None, recorded: RecordedEvent) -> BindingRow | None:
    """Fold one event into a binding's row, without checking rules."""
    if isinstance(recorded.event, binding_events.InvitationSent):
        return _invited(recorded, recorded.event)
    if row is None:
        return None
    match recorded.event:
        case binding_events.DocumentReviewed(is_approved=is_approved, expires_at=expires_at):
            status = BindingStatus.INVITED if is_approved else BindingStatus.DECLINED
            row = row._replace(status=status, expires_at=expires_at)
        case binding_events.BindingConfirmed(active_from=active_from):
            row = row._replace(status=BindingStatus.ACTIVE, active_from=active_from)
        case binding_events.InvitationDeclined():
            row = row._replace(status=BindingStatus.DECLINED)
        case binding_events.GrantChanged(uses=uses, caps=caps, valid_until=valid_until):
            row = row._replace(uses=uses, caps=caps, valid_until=valid_until)
        case binding_events.BindingReleased(status=status, last_on=last_on):
            row = row._replace(status=status, last_on=last_on)
        case _:
            return row
    return row._replace(version=recorded.version)


def _invited(recorded: RecordedEvent, event: binding_events.InvitationSent) -> BindingRow:
    return BindingRow(
        binding=recorded.stream,
        position=recorded.position,
        version=recorded.version,
        sponsor=event.sponsor,
        beneficiary=event.beneficiary,
        relation=event.relation,
        uses=event.uses,
        caps=event.caps,
        status=BindingStatus.IN_REVIEW if event.review_until else BindingStatus.INVITED,
        valid_from=event.valid_from,
        valid_until=event.valid_until,
        active_from=None,
        expires_at=event.expires_at,
        last_on=None,
        review_until=event.review_until,
        evidence=event.evidence,
        evidence_reference=event.evidence_reference,
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
    shape=2,
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
ROWS = Rows(
    (binding_events.InvitationSent, binding_events.StrangerInvited),
    CHANGES,
    evolve,
    COLUMNS,
    UPSERT,
)


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events changes; regions first, because bindings store them."""
    regions = [
        REGIONS.values(AccountRegion(recorded.stream, recorded.event.region))
        for recorded in events
        if isinstance(recorded.event, AccountOpened)
    ]
    if regions:
        await connection.execute(OPENED.format(name=name), *columns(regions, 2))
    await ROWS.write(connection, name, events)


STANDING = """CASE
        WHEN status = 'in_review' AND $2::date > review_until THEN 'expired'
        WHEN status = 'invited' AND $1::timestamptz > expires_at THEN 'expired'
        WHEN status = 'active' AND $2::date > valid_until THEN 'expired'
        WHEN $2::date <= last_on THEN 'active'
        ELSE status END"""
"""The status at a moment $1 on a day $2, as computed by `Binding.status_at` of the rules."""
SIDE = f"""
    (SELECT {COLUMNS.names.replace("status", f"{STANDING} AS status")} FROM {TABLE.stored}
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
    """Which bindings to list: of a status at this instant, None for all; and which page."""

    now: Instant
    status: BindingStatus | None = None
    cursor: str | None = None
    limit: int = 50


async def of_party(reader: Reader, account: StreamId, wanted: BindingFilter) -> Page[BindingRow]:
    """The bindings with this account as sponsor or beneficiary, newest first.

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
