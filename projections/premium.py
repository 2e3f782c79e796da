"""Premiums that wait for the tax side, so that whoever asks it again knows what to ask about."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from aggregates.premium.premium import (
    PremiumConfirmed,
    PremiumHeld,
    PremiumOutcomeUnknown,
    PremiumRejected,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
    PremiumSentToTax,
)
from aggregates.vocabulary import StreamId
from projections.kit import sql
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

OPENS = (PremiumHeld, PremiumSentToTax, PremiumOutcomeUnknown, PremiumReversalRequested)
CLOSES = (PremiumConfirmed, PremiumRejected, PremiumReversalRefused, PremiumReversed)
READS = (*OPENS, *CLOSES)


class OpenPremium(NamedTuple):
    """A premium that waits for the tax side, and since when, in microseconds."""

    premium: Annotated[StreamId, sql.stream_key("prm")]
    since: int


COLUMNS = sql.RowColumns(OpenPremium)
TABLE = Table(
    "open_premiums",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (premium)
    );
    """,
)
UPSERT = COLUMNS.upsert()
DELETE = "DELETE FROM {name} WHERE premium = ANY ($1::uuid[])"


def evolve(waits: dict[StreamId, int], fact: RecordedEvent) -> None:
    """Note since when a premium waits (microseconds), or that it waits no more."""
    if isinstance(fact.event, OPENS):
        waits[fact.stream] = fact.recorded_at
    elif isinstance(fact.event, CLOSES):
        waits.pop(fact.stream, None)


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts changes; a premium that waits no more leaves the table."""
    mine = [fact for fact in facts if isinstance(fact.event, READS)]
    if not mine:
        return
    waits: dict[StreamId, int] = {}
    for fact in mine:
        evolve(waits, fact)
    gone = sorted({key_of(fact.stream) for fact in mine if fact.stream not in waits})
    rows = [COLUMNS.values(OpenPremium(*item)) for item in waits.items()]
    await connection.execute(UPSERT.format(name=name), *columns(rows, 2))
    await connection.execute(DELETE.format(name=name), gone)


WAITING = "SELECT premium FROM open_premiums WHERE since < $1 ORDER BY since LIMIT $2"


async def waiting(reader: Reader, before_us: int, limit: int) -> list[StreamId]:
    """Premiums that have waited since before a moment (microseconds since 1970), oldest first."""
    found = await reader.fetch(WAITING, before_us, limit)
    return [stream_of("prm", premium) for (premium,) in found]
