"""The only room with time or chance: the business clock, the machine's clock, and new ids."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aggregates.vocabulary import BEIJING, Instant, StreamId, instant

Clock = Callable[[], Instant]


def machine_now() -> datetime:
    """The machine's time, aware: for tokens, timeouts and nonces, never for a rule."""
    return datetime.now(UTC)


def business_clock(start: datetime | None = None) -> Clock:
    """The clock of rules and events: the machine's, or one set to `start` that runs on."""
    shift = timedelta(0) if start is None else start - machine_now()

    def now() -> Instant:
        return instant(datetime.now(BEIJING) + shift)

    return now


def new_stream(prefix: str, at: datetime) -> StreamId:
    """A fresh time-ordered stream id (UUID version 7) of a kind, for an aware moment."""
    millis = int(at.timestamp() * 1000)
    chance = int.from_bytes(os.urandom(10))
    tail = (chance & 0xFFF) << 64 | 0x7 << 76 | 0x2 << 62 | (chance >> 12) & 0x3FFF_FFFF_FFFF_FFFF
    return StreamId(f"{prefix}_{millis << 80 | tail:032x}")


def micros(now: Instant) -> int:
    """An instant in microseconds since 1970."""
    return int(now.at.timestamp()) * 1_000_000 + now.at.microsecond


def rfc3339(at_us: int) -> str:
    """Microseconds since 1970 as a Beijing time in RFC 3339, to the millisecond."""
    at = datetime.fromtimestamp(at_us // 1_000_000, BEIJING)
    return at.replace(microsecond=at_us % 1_000_000).isoformat(timespec="milliseconds")


def new_secret(size: int) -> bytes:
    """Random bytes for keys and nonces."""
    return os.urandom(size)


def new_trace() -> str:
    """A fresh id for one request's answer and log lines, 16 hex digits."""
    return os.urandom(8).hex()


def monotonic_s() -> float:
    """Seconds for measuring, of no particular origin."""
    return time.monotonic()
