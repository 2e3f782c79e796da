"""The only source of time and of random numbers: clocks, new ids and secrets."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aggregates.vocabulary import BEIJING, Instant, StreamId, instant

Clock = Callable[[], Instant]
SHARED_FOR = timedelta(minutes=1)
"""How long another process counts as writing after its last known event."""


def machine_now() -> datetime:
    """The machine's time, with its zone: for tokens, timeouts and nonces, not for rules."""
    return datetime.now(UTC)


def business_clock(start: datetime | None = None) -> Clock:
    """The clock of rules and events: the machine's, or one that starts at `start`."""
    shift = timedelta(0) if start is None else start - machine_now()

    def now() -> Instant:
        return instant(datetime.now(BEIJING) + shift)

    return now


class LedgerClock:
    """The time of decisions: a business clock, but never before the newest time of the log.

    The clocks of two processes differ, and a clock may be set back; the log has one order, so its
    time never runs back.
    """

    __slots__ = ("_alone_from", "_newest", "source")

    def __init__(self, source: Clock) -> None:
        self.source = source
        self._newest: Instant | None = None
        self._alone_from: datetime | None = None

    def __call__(self) -> Instant:
        """The time now."""
        return self._after_log(self.source())

    def decision(self) -> Instant:
        """The time of a decision made now.

        It is cut to whole seconds while another process also writes. With microseconds, each
        decision there during an append from here would make this batch late.
        """
        now = self.source()
        if self._alone_from is not None:
            if now.at < self._alone_from:
                return self._after_log(now._replace(at=now.at.replace(microsecond=0)))
            self._alone_from = None
        return self._after_log(now)

    def see(self, recorded_us: int) -> None:
        """Learn a time of the log, in microseconds since 1970."""
        recorded = instant(of_micros(recorded_us))
        if self._newest is None or self._newest.at < recorded.at:
            self._newest = recorded

    def share(self) -> None:
        """Learn that another process also writes to the log."""
        self._alone_from = self.source().at + SHARED_FOR

    def waits_for_log_s(self) -> float:
        """Seconds by which the log's newest time is ahead of the clock; else 0."""
        if self._newest is None:
            return 0.0
        return max(0.0, (self._newest.at - self.source().at).total_seconds())

    def _after_log(self, now: Instant) -> Instant:
        newest = self._newest
        return now if newest is None or newest.at <= now.at else newest


def new_stream(prefix: str, at: datetime) -> StreamId:
    """A new time-ordered stream id (UUID version 7) of a kind, for a time with its zone."""
    millis = int(at.timestamp() * 1000)
    bits = int.from_bytes(os.urandom(10))
    tail = (bits & 0xFFF) << 64 | 0x7 << 76 | 0x2 << 62 | (bits >> 12) & 0x3FFF_FFFF_FFFF_FFFF
    return StreamId(f"{prefix}_{millis << 80 | tail:032x}")


def micros(now: Instant) -> int:
    """An instant in microseconds since 1970."""
    return int(now.at.timestamp()) * 1_000_000 + now.at.microsecond


def of_micros(at_us: int) -> datetime:
    """Microseconds since 1970 as a Beijing time."""
    at = datetime.fromtimestamp(at_us // 1_000_000, BEIJING)
    return at.replace(microsecond=at_us % 1_000_000)


def rfc3339(at_us: int) -> str:
    """Microseconds since 1970 as a Beijing time in RFC 3339, to the millisecond."""
    return of_micros(at_us).isoformat(timespec="milliseconds")


def new_secret(size: int) -> bytes:
    """Random bytes for keys and nonces."""
    return os.urandom(size)


def new_trace() -> str:
    """A new id for one request's answer and log lines, 16 hex digits."""
    return os.urandom(8).hex()


def monotonic_s() -> float:
    """Seconds of the monotonic clock, for measuring."""
    return time.monotonic()
