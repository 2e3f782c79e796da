"""Corrections as lists, for the staff who decide them."""

from typing import Annotated, NamedTuple

from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.vocabulary import CorrectionStatus, StreamId
from projections import binding
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Reader, Table

CHANGES = (CorrectionApproved, CorrectionRejected)
READS = (CorrectionProposed, *CHANGES)


class CorrectionRow(NamedTuple):
    """A correction; `position` is that of its proposal."""

    correction: Annotated[StreamId, sql.stream_key("cor")]
    position: int
    account: sql.AccountKey
    status: CorrectionStatus


def evolve(row: CorrectionRow | None, recorded: RecordedEvent) -> CorrectionRow | None:
    """Fold one event into a correction's row, without checking rules."""
    match recorded.event:
        case CorrectionProposed(account=account):
            return CorrectionRow(
                recorded.stream, recorded.position, account, CorrectionStatus.PROPOSED
            )
        case CorrectionApproved() if row is not None:
            return row._replace(status=CorrectionStatus.APPROVED)
        case CorrectionRejected() if row is not None:
            return row._replace(status=CorrectionStatus.REJECTED)
    return row


COLUMNS = sql.RowColumns(CorrectionRow)
TABLE = Table(
    "corrections",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (correction)
    );
    CREATE INDEX {{name}}_by_position ON {{name}} (position);
    """,
)
ROWS = Rows((CorrectionProposed,), CHANGES, evolve, COLUMNS, COLUMNS.upsert("status"))
write = ROWS.write


class CorrectionFilter(NamedTuple):
    """Which corrections to list: of a region and of a status, None for all; and which page."""

    region: str | None
    status: CorrectionStatus | None
    cursor: str | None
    limit: int


LISTED = f"""
    SELECT c.correction, c.position, c.account, c.status
      FROM corrections c LEFT JOIN {binding.TABLE.stored}_regions r ON r.account = c.account
     WHERE ($1::text IS NULL OR r.region = $1) AND ($2::text IS NULL OR c.status = $2)
       AND c.position < $3 ORDER BY c.position DESC LIMIT $4
"""  # noqa: S608 -- a table's name of ours


async def listed(reader: Reader, wanted: CorrectionFilter) -> Page[CorrectionRow]:
    """Corrections, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    region, status, cursor, limit = wanted
    return await fetch_page(reader, LISTED, (region, status), (cursor, limit), COLUMNS.read)
