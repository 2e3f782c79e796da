"""Credential links for lists by person, and which settlements a shown code was used for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

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
from projections.kit.paging import Page, below, bounded, page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

TABLE = Table(
    "guardian_links",
    """
    CREATE TABLE {name} (
        link      uuid NOT NULL,
        position  bigint NOT NULL,
        version   integer NOT NULL,
        guardian  uuid NOT NULL,
        member    uuid NOT NULL,
        relation  text NOT NULL,
        slot      integer NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        granted   text NOT NULL,
        is_own    boolean NOT NULL,
        is_known  boolean NOT NULL,
        CONSTRAINT {name}_pkey PRIMARY KEY (link)
    ) WITH (fillfactor = 80);
    CREATE INDEX {name}_by_guardian ON {name} (guardian, position);
    CREATE INDEX {name}_by_member ON {name} (member, position);
    CREATE TABLE {name}_uses (
        credential text NOT NULL,
        settlement uuid NOT NULL,
        position   bigint NOT NULL,
        CONSTRAINT {name}_uses_pkey PRIMARY KEY (credential, position)
    );
    """,
    parts=("", "_uses"),
)
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

    link: StreamId
    position: int
    version: int
    guardian: StreamId
    member: StreamId
    relation: Relation
    slot: int
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


COLUMNS = ", ".join(LinkRow._fields)
STORED = f"SELECT {COLUMNS} FROM {{name}} WHERE link = ANY ($1::uuid[])"  # noqa: S608 -- ours
UPSERT = f"""
    INSERT INTO {{name}} ({COLUMNS})
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::uuid[], $5::uuid[],
                         $6::text[], $7::integer[], $8::timestamptz[], $9::timestamptz[],
                         $10::text[], $11::boolean[], $12::boolean[])
        ON CONFLICT (link) DO UPDATE
       SET version = EXCLUDED.version, closed_at = EXCLUDED.closed_at,
           granted = EXCLUDED.granted, is_own = EXCLUDED.is_own, is_known = EXCLUDED.is_known
"""  # noqa: S608 -- column names of ours
USED = """
    INSERT INTO {name}_uses (credential, settlement, position)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[])
"""


def _row(found: Any) -> LinkRow:  # noqa: ANN401 -- a record of asyncpg
    row = LinkRow(*found)
    return row._replace(
        link=stream_of("lnk", found["link"]),
        guardian=stream_of("acc", found["guardian"]),
        member=stream_of("acc", found["member"]),
        relation=Relation(row.relation),
        granted=LinkStatus(row.granted),
    )


def _values(row: LinkRow) -> tuple[Any, ...]:
    return (key_of(row.link), *row[1:3], key_of(row.guardian), key_of(row.member), *row[5:])


ROWS = Rows(
    begins=BEGINS,
    changes=CHANGES,
    evolve=evolve,
    stored=STORED,
    upsert=UPSERT,
    row=_row,
    values=_values,
)


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts changes, and which bills came by a shown code."""
    used = [
        (fact.event.claim.credential, key_of(fact.stream), fact.position)
        for fact in facts
        if isinstance(fact.event, Settled) and fact.event.claim.credential is not None
    ]
    if used:
        await connection.execute(USED.format(name=name), *columns(used, 3))
    await ROWS.write(connection, name, facts)


SIDE = f"""
    (SELECT {COLUMNS} FROM guardian_links
      WHERE {{side}} = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3)
"""  # noqa: S608 -- column names of ours
OF_PARTY = (
    f"{SIDE.format(side='guardian')} UNION {SIDE.format(side='member')}"
    " ORDER BY position DESC LIMIT $3"
)
USES = """
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
    limit = bounded(limit)
    found = await reader.fetch(OF_PARTY, key_of(account), below(cursor), limit + 1)
    rows = [_row(row) for row in found]
    return page(rows, [row.position for row in rows], limit)


async def uses_of(reader: Reader, credentials: Sequence[str]) -> dict[str, list[StreamId]]:
    """The settlements of shown codes, by the code's digest, oldest first."""
    uses: dict[str, list[StreamId]] = {}
    for credential, settlement in await reader.fetch(USES, list(credentials)):
        uses.setdefault(credential, []).append(stream_of("stl", settlement))
    return uses
