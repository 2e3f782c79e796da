"""Visits that institutions registered here, to be found by patient and time. No fee lines."""

from datetime import datetime
from typing import Any, NamedTuple

from aggregates.visit import VisitClosed, VisitDescribed, VisitRegistered, VisitReopened
from aggregates.vocabulary import Setting, StreamId, VisitEnd
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Reader, Table, key_of, storable, stream_of

TABLE = Table(
    "visits",
    """
    CREATE TABLE {name} (
        visit       uuid NOT NULL,
        position    bigint NOT NULL,
        institution uuid NOT NULL,
        beneficiary uuid NOT NULL,
        setting     text NOT NULL,
        number      text NOT NULL,
        department  text NOT NULL,
        med_type    text,
        began_at    timestamptz NOT NULL,
        ended_at    timestamptz,
        ending      text,
        CONSTRAINT {name}_pkey PRIMARY KEY (visit)
    ) WITH (fillfactor = 80);
    CREATE INDEX {name}_by_patient ON {name} (institution, beneficiary, began_at);
    """,
)
CHANGES = (VisitDescribed, VisitClosed, VisitReopened)
READS = (VisitRegistered, *CHANGES)
VISITS_MAX = 200


class VisitRow(NamedTuple):
    """A visit as it stands; `position` is where its registration stands in the log."""

    visit: StreamId
    position: int
    institution: StreamId
    beneficiary: StreamId
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


COLUMNS = ", ".join(VisitRow._fields)
STORED = f"SELECT {COLUMNS} FROM {{name}} WHERE visit = ANY ($1::uuid[])"  # noqa: S608 -- ours
UPSERT = f"""
    INSERT INTO {{name}} ({COLUMNS})
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[])
        ON CONFLICT (visit) DO UPDATE
       SET med_type = EXCLUDED.med_type, ended_at = EXCLUDED.ended_at, ending = EXCLUDED.ending
"""  # noqa: S608 -- column names of ours


def _row(found: Any) -> VisitRow:  # noqa: ANN401 -- a record of asyncpg
    row = VisitRow(*found)
    return row._replace(
        visit=stream_of("vis", found["visit"]),
        institution=stream_of("ins", found["institution"]),
        beneficiary=stream_of("acc", found["beneficiary"]),
        setting=Setting(row.setting),
        ending=VisitEnd(row.ending) if row.ending else None,
    )


def _values(row: VisitRow) -> tuple[Any, ...]:
    return (
        *(key_of(row.visit), row.position),
        *(key_of(row.institution), key_of(row.beneficiary), *row[4:]),
    )


ROWS = Rows(
    begins=(VisitRegistered,),
    changes=CHANGES,
    evolve=evolve,
    stored=STORED,
    upsert=UPSERT,
    row=_row,
    values=_values,
)
write = ROWS.write


OF_PATIENT = f"""
    SELECT {COLUMNS} FROM visits
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
    return [_row(row) for row in found]
