"""Credential links as lists by person, and the settlements that a shown code was used for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from aggregates.credential_link import events
from aggregates.credential_link.link import Link
from aggregates.credential_link.link import evolve as evolve_link
from aggregates.settlement.events import Settled
from aggregates.vocabulary import LinkStatus, Relation, StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

BEGINS = (events.CredentialLinkOpened, events.CredentialLinkRequested)
CHANGES = (
    events.CredentialLinkConfirmed,
    events.CredentialLinkReviewed,
    events.CredentialLinkActivated,
    events.CodeShown,
    events.CredentialLinkClosed,
)
READS = (*BEGINS, *CHANGES, Settled)


class LinkRow(NamedTuple):
    """A link; `position` is that of its opening. The other fields are those of the folded link."""

    link: Annotated[StreamId, sql.stream_key("lnk")]
    position: int
    version: sql.Integer
    guardian: sql.AccountKey
    member: sql.AccountKey
    relation: Relation
    slot: sql.Integer
    opened_at: datetime
    closed_at: datetime | None
    granted: LinkStatus
    is_own: bool
    is_known: bool

    def folded(self) -> Link:
        """The folded link, without its codes."""
        return Link(**{name: getattr(self, name) for name in FOLDED})


FOLDED = LinkRow._fields[3:]
"""The fields that a row takes from the folded link."""


def evolve(row: LinkRow | None, recorded: RecordedEvent) -> LinkRow | None:
    """Fold one event into a link's row, without checking rules."""
    event = recorded.event
    if isinstance(event, BEGINS):
        return _row_of(recorded, recorded.position, evolve_link(None, event))
    if isinstance(event, CHANGES) and row is not None:
        return _row_of(recorded, row.position, evolve_link(row.folded(), event))
    return row


def _row_of(recorded: RecordedEvent, position: int, link: Link) -> LinkRow:
    folded = (getattr(link, name) for name in FOLDED)
    return LinkRow(recorded.stream, position, recorded.version, *folded)


class LinkUse(NamedTuple):
    """A settlement that a shown code was used for; `credential` is the code's digest."""

    credential: str
    settlement: sql.SettlementKey
    position: int


COLUMNS, USES = sql.RowColumns(LinkRow), sql.RowColumns(LinkUse)
TABLE = Table(
    "guardian_links",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (link)
    ) WITH (fillfactor = 80);
    CREATE INDEX {{name}}_by_guardian ON {{name}} (guardian, position);
    CREATE INDEX {{name}}_by_member ON {{name}} (member, position);
    CREATE TABLE {{name}}_uses (
        {USES.ddl}, CONSTRAINT {{name}}_uses_pkey PRIMARY KEY (credential, position)
    );
    """,
    parts=("", "_uses"),
)
UPSERT = COLUMNS.upsert()
USED = USES.insert("_uses")
ROWS = Rows(BEGINS, CHANGES, evolve, COLUMNS, UPSERT)


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events changes, and the settlements by a shown code."""
    used = [
        USES.values(LinkUse(recorded.event.claim.credential, recorded.stream, recorded.position))
        for recorded in events
        if isinstance(recorded.event, Settled) and recorded.event.claim.credential is not None
    ]
    if used:
        await connection.execute(USED.format(name=name), *columns(used, 3))
    await ROWS.write(connection, name, events)


SIDE = f"""
    (SELECT {COLUMNS.names} FROM guardian_links
      WHERE {{side}} = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3)
"""  # noqa: S608 -- column names of ours
OF_PARTY = (
    f"{SIDE.format(side='guardian')} UNION {SIDE.format(side='member')}"
    " ORDER BY position DESC LIMIT $3"
)
USED_FOR = """
    SELECT credential, settlement FROM guardian_links_uses
     WHERE credential = ANY ($1::text[]) ORDER BY position
"""


async def of_party(
    reader: Reader, account: StreamId, cursor: str | None = None, limit: int = 50
) -> Page[LinkRow]:
    """The links in which this account is guardian or member, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    of = (key_of(account),)
    return await fetch_page(reader, OF_PARTY, of, (cursor, limit), COLUMNS.read)


async def uses_of(reader: Reader, credentials: Sequence[str]) -> dict[str, list[StreamId]]:
    """The settlements of shown codes, by the code's digest, oldest first."""
    uses: dict[str, list[StreamId]] = {}
    for credential, settlement in await reader.fetch(USED_FOR, list(credentials)):
        uses.setdefault(credential, []).append(stream_of("stl", settlement))
    return uses
