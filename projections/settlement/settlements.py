"""The current state of each bill, by its claim or by its institution and day."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from aggregates.settlement.events import (
    Claim,
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementRefused,
    SettlementReversed,
)
from aggregates.vocabulary import SettlementStatus, StreamId, instant
from projections import binding
from projections.kit import sql
from projections.kit.paging import Page, bounded, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Reader, Table, key_of, storable

CHANGES = (
    PartRefunded,
    SettlementCancelled,
    SettlementReversed,
)
READS = (Settled, SettlementRefused, *CHANGES)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SettlementRow(NamedTuple):
    """A settlement; `position` is that of its decision, `day` the decision's business day.

    `cancelled_at` is when the whole of it was cancelled or reversed. Amounts are in fen, less
    partial refunds; times are in microseconds.
    """

    settlement: sql.SettlementKey
    position: int
    version: sql.Integer
    recorded_at: int
    institution: sql.InstitutionKey
    beneficiary: sql.AccountKey
    visit: str
    charge_batch: str
    day: date
    status: SettlementStatus
    refusal: str | None
    cancelled_at: int | None
    total_fen: int
    fund_pay_fen: int
    own_fen: int
    aid_fen: int
    cash_fen: int


def evolve(row: SettlementRow | None, recorded: RecordedEvent) -> SettlementRow | None:
    """Fold one event into a settlement's row, without checking rules."""
    match recorded.event:
        case Settled() as settled:
            split = (settled.own_fen, settled.aid_fen, settled.cash_fen)
            return _begun(recorded, settled.claim, instant(settled.settled_at).on, split)
        case SettlementRefused(claim=claim, code=code):
            moment = EPOCH + timedelta(microseconds=recorded.recorded_at)
            refused = _begun(recorded, claim, instant(moment).on, (0, 0, 0))
            return refused._replace(status=SettlementStatus.REFUSED, refusal=storable(code))
        case _ if row is None:
            return None  # a tombstone: nothing was settled, and there is no claim
        case _:
            return _evolve_settled(row, recorded)


def _evolve_settled(row: SettlementRow, recorded: RecordedEvent) -> SettlementRow:
    match recorded.event:
        case PartRefunded() as refund:
            return _refunded(row, recorded.version, refund)
        case SettlementCancelled():
            return _undone(row, recorded, SettlementStatus.CANCELLED)
        case SettlementReversed():
            return _undone(row, recorded, SettlementStatus.REVERSED)
        case _:
            return row


def _refunded(row: SettlementRow, version: int, refund: PartRefunded) -> SettlementRow:
    """A bill less a partial refund of its personal part; the fund's part does not change."""
    return row._replace(
        status=SettlementStatus.PART_REFUNDED,
        version=version,
        total_fen=row.total_fen - refund.amount_fen,
        own_fen=row.own_fen - refund.own_fen,
        aid_fen=row.aid_fen - refund.aid_fen,
        cash_fen=row.cash_fen - refund.cash_fen,
    )


def _undone(row: SettlementRow, recorded: RecordedEvent, status: SettlementStatus) -> SettlementRow:
    """A bill that was cancelled or reversed; its amounts stay."""
    return row._replace(status=status, version=recorded.version, cancelled_at=recorded.recorded_at)


def _begun(
    recorded: RecordedEvent, claim: Claim, day: date, split: tuple[int, int, int]
) -> SettlementRow:
    own_fen, aid_fen, cash_fen = split
    return SettlementRow(
        settlement=recorded.stream,
        position=recorded.position,
        version=recorded.version,
        recorded_at=recorded.recorded_at,
        institution=claim.institution,
        beneficiary=claim.beneficiary,
        visit=storable(claim.visit),
        charge_batch=storable(claim.charge_batch),
        day=day,
        status=SettlementStatus.SETTLED,
        refusal=None,
        cancelled_at=None,
        total_fen=claim.total_fen,
        fund_pay_fen=claim.fund_pay_fen,
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=cash_fen,
    )


COLUMNS = sql.RowColumns(SettlementRow)
TABLE = Table(
    "settlements",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (settlement)
    ) WITH (fillfactor = 90);
    CREATE INDEX {{name}}_by_day ON {{name}} (institution, day, position);
    -- A hash index takes a visit of any length; a tree refuses a long one and parks the event.
    CREATE INDEX {{name}}_by_visit ON {{name}} USING hash (visit);
    """,
)
ROWS = Rows(
    (Settled, SettlementRefused),
    CHANGES,
    evolve,
    COLUMNS,
    COLUMNS.upsert(),
)
write = ROWS.write


OF_DAY = f"""
    SELECT {COLUMNS.names} FROM settlements
     WHERE institution = $1::uuid AND day = $2 AND position < $3
     ORDER BY position DESC LIMIT $4
"""  # noqa: S608 -- column names of ours
OF_CLAIM = f"""
    SELECT {COLUMNS.names} FROM settlements
     WHERE visit = $2 AND charge_batch = $3 AND institution = $1::uuid
     ORDER BY position DESC LIMIT $4
"""  # noqa: S608 -- column names of ours
ELSEWHERE = f"""
    SELECT {", ".join(f"s.{name}" for name in SettlementRow._fields)}
      FROM settlements s JOIN {binding.TABLE.stored}_regions r ON r.account = s.beneficiary
     WHERE s.institution = $1::uuid AND s.day >= $2 AND s.day < $3 AND r.region <> $4
       AND s.status IN ('settled', 'part_refunded')
     ORDER BY s.position LIMIT $6 OFFSET $5
"""  # noqa: S608 -- column names of ours


async def of_people_elsewhere(
    reader: Reader, institution: StreamId, days: tuple[date, date], home: str, rows: tuple[int, int]
) -> list[SettlementRow]:
    """An institution's live bills of people whom another region than `home` insures, oldest first.

    `days` is the first day and the day after the last; `rows` is how many to skip, and how many.
    """
    found = await reader.fetch(ELSEWHERE, key_of(institution), *days, home, *rows)
    return [COLUMNS.read(row) for row in found]


async def of_day(
    reader: Reader, institution: StreamId, day: date, cursor: str | None = None, limit: int = 50
) -> Page[SettlementRow]:
    """The settlements that an institution's business day decided, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    of = (key_of(institution), day)
    return await fetch_page(reader, OF_DAY, of, (cursor, limit), COLUMNS.read)


async def of_claim(
    reader: Reader, institution: StreamId, visit: str, charge_batch: str, limit: int = 50
) -> list[SettlementRow]:
    """All attempts to settle a charge batch of a visit, the newest first."""
    claim = (key_of(institution), storable(visit), storable(charge_batch))
    return [COLUMNS.read(row) for row in await reader.fetch(OF_CLAIM, *claim, bounded(limit))]
