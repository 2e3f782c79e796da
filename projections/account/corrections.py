"""Corrections for whoever must decide them: which there are, whose, and where each stands."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.vocabulary import CorrectionStatus, StreamId
from projections.kit.paging import Page, below, bounded, page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Reader, Table, key_of, stream_of

TABLE = Table(
    "corrections",
    """
    CREATE TABLE {name} (
        correction uuid NOT NULL,
        position   bigint NOT NULL,
        account    uuid NOT NULL,
        status     text NOT NULL,
        CONSTRAINT {name}_pkey PRIMARY KEY (correction)
    );
    CREATE INDEX {name}_by_position ON {name} (position);
    """,
)
CHANGES = (CorrectionApproved, CorrectionRejected)
READS = (CorrectionProposed, *CHANGES)


class CorrectionRow(NamedTuple):
    """A correction; `position` is where its proposal stands in the log."""

    correction: StreamId
    position: int
    account: StreamId
    status: CorrectionStatus


def evolve(row: CorrectionRow | None, fact: RecordedEvent) -> CorrectionRow | None:
    """Fold one event into a correction's row. Never judges."""
    match fact.event:
        case CorrectionProposed(account=account):
            return CorrectionRow(fact.stream, fact.position, account, CorrectionStatus.PROPOSED)
        case CorrectionApproved() if row is not None:
            return row._replace(status=CorrectionStatus.APPROVED)
        case CorrectionRejected() if row is not None:
            return row._replace(status=CorrectionStatus.REJECTED)
    return row


COLUMNS = ", ".join(CorrectionRow._fields)
STORED = f"SELECT {COLUMNS} FROM {{name}} WHERE correction = ANY ($1::uuid[])"  # noqa: S608 -- ours
UPSERT = f"""
    INSERT INTO {{name}} ({COLUMNS})
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[])
        ON CONFLICT (correction) DO UPDATE SET status = EXCLUDED.status
"""  # noqa: S608 -- column names of ours


def _row(found: Any) -> CorrectionRow:  # noqa: ANN401 -- a record of asyncpg
    correction, position, account, status = found
    return CorrectionRow(
        stream_of("cor", correction),
        position,
        stream_of("acc", account),
        CorrectionStatus(status),
    )


def _values(row: CorrectionRow) -> Sequence[Any]:
    return key_of(row.correction), row.position, key_of(row.account), row.status


ROWS = Rows(
    begins=(CorrectionProposed,),
    changes=CHANGES,
    evolve=evolve,
    stored=STORED,
    upsert=UPSERT,
    row=_row,
    values=_values,
)
write = ROWS.write


class CorrectionFilter(NamedTuple):
    """Which corrections are wanted: of a region, or all; that stand so, or all; and which page."""

    region: str | None
    status: CorrectionStatus | None
    cursor: str | None
    limit: int


LISTED = """
    SELECT c.correction, c.position, c.account, c.status
      FROM corrections c LEFT JOIN bindings_regions r ON r.account = c.account
     WHERE ($1::text IS NULL OR r.region = $1) AND ($2::text IS NULL OR c.status = $2)
       AND c.position < $3 ORDER BY c.position DESC LIMIT $4
"""


async def listed(reader: Reader, wanted: CorrectionFilter) -> Page[CorrectionRow]:
    """Corrections, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    limit = bounded(wanted.limit)
    begins = below(wanted.cursor)
    found = await reader.fetch(LISTED, wanted.region, wanted.status, begins, limit + 1)
    rows = [_row(row) for row in found]
    return page(rows, [row.position for row in rows], limit)
