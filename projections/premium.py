"""Premiums that the tax authority has not answered yet; the resolver retries them."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from aggregates.premium import premium as rules
from aggregates.vocabulary import StreamId
from projections.kit import sql
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

OPENS = (
    rules.PremiumHeld,
    rules.PremiumSentToTax,
    rules.PremiumOutcomeUnknown,
    rules.PremiumReversalRequested,
)
CLOSES = (
    rules.PremiumConfirmed,
    rules.PremiumRejected,
    rules.PremiumReversalRefused,
    rules.PremiumReversed,
)
READS = (*OPENS, *CLOSES)


class OpenPremium(NamedTuple):
    """A premium without an answer of the tax authority, since a time in microseconds."""

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


def evolve(waits: dict[StreamId, int], recorded: RecordedEvent) -> None:
    """Note since when a premium waits (microseconds), or remove it."""
    if isinstance(recorded.event, OPENS):
        waits[recorded.stream] = recorded.recorded_at
    elif isinstance(recorded.event, CLOSES):
        waits.pop(recorded.stream, None)


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events changes; answered premiums leave the table."""
    own = [recorded for recorded in events if isinstance(recorded.event, READS)]
    if not own:
        return
    waits: dict[StreamId, int] = {}
    for recorded in own:
        evolve(waits, recorded)
    gone = sorted({key_of(recorded.stream) for recorded in own if recorded.stream not in waits})
    rows = [COLUMNS.values(OpenPremium(*item)) for item in waits.items()]
    await connection.execute(UPSERT.format(name=name), *columns(rows, 2))
    await connection.execute(DELETE.format(name=name), gone)


WAITING = "SELECT premium FROM open_premiums WHERE since < $1 ORDER BY since LIMIT $2"


async def waiting(reader: Reader, before_us: int, limit: int) -> list[StreamId]:
    """Premiums that wait since before a time (microseconds since 1970), the oldest first."""
    found = await reader.fetch(WAITING, before_us, limit)
    return [stream_of("prm", premium) for (premium,) in found]
