"""Visits that institutions registered, without fee lines, by patient and time."""

from datetime import datetime
from typing import Annotated, NamedTuple

from aggregates.visit import VisitClosed, VisitDescribed, VisitRegistered, VisitReopened
from aggregates.vocabulary import Setting, StreamId, VisitEnd
from projections.kit import sql
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Reader, Table, key_of, storable

CHANGES = (VisitDescribed, VisitClosed, VisitReopened)
READS = (VisitRegistered, *CHANGES)
VISITS_MAX = 200


class VisitRow(NamedTuple):
    """A visit; `position` is that of its registration."""

    visit: Annotated[StreamId, sql.stream_key("vis")]
    position: int
    institution: sql.InstitutionKey
    beneficiary: sql.AccountKey
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime
    ended_at: datetime | None
    ending: VisitEnd | None


def evolve(row: VisitRow | None, recorded: RecordedEvent) -> VisitRow | None:
    """Fold one event into a visit's row, without checking rules."""
    match recorded.event:
        case VisitRegistered() as visit:
            return VisitRow(
                visit=recorded.stream,
                position=recorded.position,
                institution=visit.institution,
                beneficiary=visit.beneficiary,
                setting=visit.setting,
                number=storable(visit.number),
                department=storable(visit.department),
                med_type=visit.med_type and storable(visit.med_type),
                began_at=visit.began_at,
                ended_at=None,
                ending=None,
            )
        case VisitDescribed(med_type=med_type) if row is not None:
            return row._replace(med_type=(med_type and storable(med_type)) or row.med_type)
        case VisitClosed(end=end, at=at) if row is not None:
            return row._replace(ending=end, ended_at=at)
        case VisitReopened() if row is not None:
            return row._replace(ending=None, ended_at=None)
    return row


COLUMNS = sql.RowColumns(VisitRow)
TABLE = Table(
    "visits",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (visit)
    ) WITH (fillfactor = 80);
    CREATE INDEX {{name}}_by_patient ON {{name}} (institution, beneficiary, began_at);
    """,
)
UPSERT = COLUMNS.upsert("med_type", "ended_at", "ending")
ROWS = Rows((VisitRegistered,), CHANGES, evolve, COLUMNS, UPSERT)
write = ROWS.write


OF_PATIENT = f"""
    SELECT {COLUMNS.names} FROM visits
     WHERE institution = $1::uuid AND beneficiary = $2::uuid
       AND began_at >= $3 AND began_at <= $4 AND ending IS DISTINCT FROM 'WITHDRAWN'
     ORDER BY began_at DESC, position DESC LIMIT $5
"""  # noqa: S608 -- column names of ours


async def of_patient(
    reader: Reader, institution: StreamId, beneficiary: StreamId, since: datetime, until: datetime
) -> list[VisitRow]:
    """The newest 200 visits of a patient at an institution that began in a period, newest first."""
    parties = (key_of(institution), key_of(beneficiary))
    found = await reader.fetch(OF_PATIENT, *parties, since, until, VISITS_MAX)
    return [COLUMNS.read(row) for row in found]


STAYS = f"""
    SELECT {COLUMNS.names} FROM visits
     WHERE institution = $1::uuid AND began_at >= $2 AND began_at <= $3
       AND setting = 'INPATIENT' AND ending IS NULL
     ORDER BY began_at DESC, position DESC LIMIT $4
"""  # noqa: S608 -- column names of ours


async def present_stays(
    reader: Reader, institution: StreamId, since: datetime, until: datetime
) -> list[VisitRow]:
    """The newest 200 stays at an institution that began in a period and have not ended."""
    found = await reader.fetch(STAYS, key_of(institution), since, until, VISITS_MAX)
    return [COLUMNS.read(row) for row in found]
