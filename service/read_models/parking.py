"""Events that a read model could not take: which, why, and whether it is the event's fault.

The read model goes on behind them. Readiness and metrics count them, and a rebuild tries them
again. What is kept of an error holds no personal data: its class, and where it was raised.
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
"""Classes of SQLSTATE that speak of values: cardinality, data, integrity, limits of the program.

All others speak of the database or its tables, which may be well again in a while.
"""
PASSING = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, MemoryError)
"""What a lost connection, a time-out or an exhausted machine raises."""

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
    """An event that a read model's tables do not show, and why."""

    projection: str
    position: int
    cause: Cause

    def line(self) -> str:
        """For an operator."""
        return f"{self.projection}: position {self.position} parked, {' '.join(self.cause)}"


def is_the_events(error: Exception) -> bool:
    """Whether an error is an event's fault: it would come again, however often it is tried."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in DATA_CLASSES
    return not isinstance(error, PASSING)


def cause_of(error: Exception) -> Cause:
    """What is kept of an error: never its words, which may hold values of the event."""
    told = []
    if isinstance(error, asyncpg.PostgresError):
        told.append(f"sqlstate {error.sqlstate}")
    if isinstance(error, ValidationError):
        kinds = {found["type"] for found in error.errors(include_url=False, include_input=False)}
        told.append(", ".join(sorted(kinds)))
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    if ours:
        place = Path(ours[-1].filename).relative_to(ROOT)
        told.append(f"at {place}:{ours[-1].lineno} {ours[-1].name}")
    return Cause(type(error).__name__, " ".join(told))


async def park(connection: Connection, projection: str, position: int, cause: Cause) -> None:
    """Write down that a read model left an event out, in the caller's transaction."""
    await connection.execute(PARK, projection, position, *cause)


async def forget(connection: Connection, projections: Sequence[str]) -> None:
    """Forget what these tables left out: they are made anew."""
    await connection.execute(FORGET, projections)


async def take_over(connection: Connection, made: str, live: str) -> None:
    """Let tables that take the live ones' place bring along what they left out."""
    await forget(connection, [live])
    await connection.execute(TAKE_OVER, made, live)


async def parked(connection: Any, projections: Sequence[str]) -> list[Parked]:  # noqa: ANN401
    """What these tables do not show; `connection` may be a pool."""
    found = await connection.fetch(PARKED, projections)
    return [
        Parked(projection, position, Cause(kind, detail))
        for projection, position, kind, detail in found
    ]
