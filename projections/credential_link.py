"""Credential links for lists by person, and which settlements a shown code was used for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from aggregates.credential_link.events import (
    CodeShown,
    CredentialLinkActivated,
    CredentialLinkClosed,
    CredentialLinkConfirmed,
    CredentialLinkOpened,
    CredentialLinkRequested,
    CredentialLinkReviewed,
)
from aggregates.credential_link.link import Link
from aggregates.credential_link.link import evolve as evolve_link
from aggregates.settlement.events import Settled
from aggregates.vocabulary import LinkStatus, Relation, StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

BEGINS = (CredentialLinkOpened, CredentialLinkRequested)
CHANGES = (
    CredentialLinkConfirmed,
    CredentialLinkReviewed,
    CredentialLinkActivated,
    CodeShown,
    CredentialLinkClosed,
)
READS = (*BEGINS, *CHANGES, Settled)


class LinkRow(NamedTuple):
    """A link; `position` is where its opening stands in the log. The rest is the link's fold."""

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
        """The link as its events left it, without its codes."""
        return Link(
            guardian=self.guardian,
            member=self.member,
            relation=self.relation,
            slot=self.slot,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            granted=self.granted,
            is_own=self.is_own,
            is_known=self.is_known,
        )


def evolve(row: LinkRow | None, fact: RecordedEvent) -> LinkRow | None:
    """Fold one event into a link's row. Never judges."""
    event = fact.event
    if isinstance(event, BEGINS):
        return _row_of(fact, fact.position, evolve_link(None, event))
    if isinstance(event, CHANGES) and row is not None:
        return _row_of(fact, row.position, evolve_link(row.folded(), event))
    return row


def _row_of(fact: RecordedEvent, position: int, link: Link) -> LinkRow:
    return LinkRow(
        link=fact.stream,
        position=position,
        version=fact.version,
        guardian=link.guardian,
        member=link.member,
        relation=link.relation,
        slot=link.slot,
        opened_at=link.opened_at,
        closed_at=link.closed_at,
        granted=link.granted,
        is_own=link.is_own,
        is_known=link.is_known,
    )


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
UPSERT = COLUMNS.upsert("version", "closed_at", "granted", "is_own", "is_known")
USED = USES.insert("_uses")
ROWS = Rows(BEGINS, CHANGES, evolve, COLUMNS, UPSERT)


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts changes, and which bills came by a shown code."""
    used = [
        USES.values(LinkUse(fact.event.claim.credential, fact.stream, fact.position))
        for fact in facts
        if isinstance(fact.event, Settled) and fact.event.claim.credential is not None
    ]
    if used:
        await connection.execute(USED.format(name=name), *columns(used, 3))
    await ROWS.write(connection, name, facts)


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
