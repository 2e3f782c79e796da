"""How far the read models lag behind the log, and their parked events, for operators."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from service.clock import Clock, micros
from service.read_models.projector import LIVE
from service.runtime.readiness import ReadinessReason

BEHIND_MAX_S = 30.0
"""Seconds of age of the oldest missing event from which on a read model counts as behind."""
LAGS = """
    SELECT n.name, coalesce(f.position, 0) AS position, h.position AS head,
           (SELECT e.recorded_at FROM events e WHERE e.position > coalesce(f.position, 0)
             ORDER BY e.position LIMIT 1) AS oldest,
           p.parked, p.first
      FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n(name, follower, number)
     CROSS JOIN log_head h
      LEFT JOIN follower_positions f ON f.follower = n.follower
     CROSS JOIN LATERAL (SELECT count(*) AS parked, min(position) AS first FROM parked
                          WHERE projection = n.name) p
     ORDER BY n.number
"""


class Lag(NamedTuple):
    """A read model's missing events, the age of the oldest one, and its parked events.

    `oldest_s` is 0 if none is missing; `first_parked` is a position.
    """

    name: str
    events: int
    oldest_s: float
    parked: int
    first_parked: int | None


async def lags(pool: Any, clock: Clock) -> list[Lag]:  # noqa: ANN401 -- a pool or a connection
    """The lag of every read model."""
    now_us = micros(clock())
    rows = await pool.fetch(LAGS, [t.name for t in LIVE], [t.follower for t in LIVE])
    return [
        Lag(
            name=target.projection.table.name,
            events=max(0, row["head"] - row["position"]),
            oldest_s=0.0 if row["oldest"] is None else max(0, now_us - row["oldest"]) / 1_000_000,
            parked=row["parked"],
            first_parked=row["first"],
        )
        for target, row in zip(LIVE, rows, strict=True)
    ]


async def follower_reasons(pool: Any, clock: Clock) -> list[ReadinessReason]:  # noqa: ANN401
    """A readiness reason for each read model with parked events or a long lag."""
    return [reason for lag in await lags(pool, clock) for reason in _reasons(lag)]


def _reasons(lag: Lag) -> Iterator[ReadinessReason]:
    if lag.parked:
        events = "1 event" if lag.parked == 1 else f"{lag.parked} events"
        detail = f"{lag.name}: {events} parked, the first at position {lag.first_parked}"
        yield ReadinessReason("FOLLOWER_PARKED", detail)
    if lag.oldest_s > BEHIND_MAX_S:
        detail = f"{lag.name}: {lag.events} events behind, the oldest for {lag.oldest_s:.0f} s"
        yield ReadinessReason("FOLLOWER_BEHIND", detail)
