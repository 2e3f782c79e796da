"""Visits that institutions registered here, to be found by patient and time. No fee lines."""

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
    """A visit as it stands; `position` is where its registration stands in the log."""

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


def evolve(row: VisitRow | None, fact: RecordedEvent) -> VisitRow | None:
    """Fold one event into a visit's row. Never judges."""
    match fact.event:
        case VisitRegistered() as came:
            return VisitRow(
                visit=fact.stream,
                position=fact.position,
                institution=came.institution,
                beneficiary=came.beneficiary,
                setting=came.setting,
                number=storable(came.number),
                department=storable(came.department),
                med_type=came.med_type and storable(came.med_type),
                began_at=came.began_at,
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
    """A patient's visits at an institution that began in a time, the newest 200, newest first."""
    parties = (key_of(institution), key_of(beneficiary))
    found = await reader.fetch(OF_PATIENT, *parties, since, until, VISITS_MAX)
    return [COLUMNS.read(row) for row in found]
