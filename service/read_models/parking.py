"""Parks events that a read model could not take, with the cause.

The read model goes on after them. Readiness and metrics count them, and a rebuild retries them.
Of an error only its class and its place in the code are stored, so no personal data.
"""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from pydantic import ValidationError

from projections.kit.table import Connection

ROOT = Path(__file__).resolve().parents[2]
DATA_CLASSES = ("21", "22", "23", "54")
"""Classes of SQLSTATE about values: cardinality, data, integrity, program limits.

All others are about the database or its tables, and a retry may succeed.
"""
PASSING = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, MemoryError)
"""Errors of a lost connection, a time-out or an exhausted machine."""

PARK = """
    INSERT INTO parked (projection, position, cause, detail) VALUES ($1, $2, $3, $4)
        ON CONFLICT (projection, position) DO UPDATE
       SET cause = EXCLUDED.cause, detail = EXCLUDED.detail, parked_at = now()
"""
FORGET = "DELETE FROM parked WHERE projection = ANY ($1)"
TAKE_OVER = "UPDATE parked SET projection = $2 WHERE projection = $1"
PARKED = """
    SELECT projection, position, cause, detail FROM parked
     WHERE projection = ANY ($1) ORDER BY projection, position
"""


class Cause(NamedTuple):
    """The class of an error, and where it was raised."""

    kind: str
    detail: str


class Parked(NamedTuple):
    """An event that a read model's tables do not have, and the cause."""

    projection: str
    position: int
    cause: Cause

    def line(self) -> str:
        """A line for operators."""
        return f"{self.projection}: position {self.position} parked, {' '.join(self.cause)}"


def is_the_events(error: Exception) -> bool:
    """Whether an event causes an error, so that every retry would fail."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in DATA_CLASSES
    return not isinstance(error, PASSING)


def cause_of(error: Exception) -> Cause:
    """The class and place of an error, without its message, which may have values of the event."""
    details = []
    if isinstance(error, asyncpg.PostgresError):
        details.append(f"sqlstate {error.sqlstate}")
    if isinstance(error, ValidationError):
        kinds = {each["type"] for each in error.errors(include_url=False, include_input=False)}
        details.append(", ".join(sorted(kinds)))
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    if ours:
        place = Path(ours[-1].filename).relative_to(ROOT)
        details.append(f"at {place}:{ours[-1].lineno} {ours[-1].name}")
    return Cause(type(error).__name__, " ".join(details))


async def park(connection: Connection, projection: str, position: int, cause: Cause) -> None:
    """Record a parked event, in the caller's transaction."""
    await connection.execute(PARK, projection, position, *cause)


async def forget(connection: Connection, projections: Sequence[str]) -> None:
    """Delete the parked events of tables that are created again."""
    await connection.execute(FORGET, projections)


async def take_over(connection: Connection, rebuilt: str, live: str) -> None:
    """Replace the parked events of live tables by those of the tables that replace them."""
    await forget(connection, [live])
    await connection.execute(TAKE_OVER, rebuilt, live)


async def parked(connection: Any, projections: Sequence[str]) -> list[Parked]:  # noqa: ANN401
    """The parked events of these tables; `connection` may be a pool."""
    rows = await connection.fetch(PARKED, projections)
    return [
        Parked(projection, position, Cause(kind, detail))
        for projection, position, kind, detail in rows
    ]
