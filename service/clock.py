"""The only room with time or chance: the business clock, the machine's clock, and new ids."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aggregates.vocabulary import BEIJING, Instant, StreamId, instant

Clock = Callable[[], Instant]
SHARED_FOR = timedelta(minutes=1)
"""How long another process counts as writing after its last event that we came upon."""


def machine_now() -> datetime:
    """The machine's time, aware: for tokens, timeouts and nonces, never for a rule."""
    return datetime.now(UTC)


def business_clock(start: datetime | None = None) -> Clock:
    """The clock of rules and events: the machine's, or one set to `start` that runs on."""
    shift = timedelta(0) if start is None else start - machine_now()

    def now() -> Instant:
        return instant(datetime.now(BEIJING) + shift)

    return now


class LedgerClock:
    """The time of decisions: a business clock, but never before the newest time in the log.

    Two processes' clocks differ, and a clock may be set back. The log has one order, so it has
    one time: what it says already passed has passed for everybody.
    """

    __slots__ = ("_alone_from", "_newest", "source")

    def __init__(self, source: Clock) -> None:
        """Run by a clock, with nothing seen of the log yet."""
        self.source = source
        self._newest: Instant | None = None
        self._alone_from: datetime | None = None

    def __call__(self) -> Instant:
        """What time it is."""
        return self._after_log(self.source())

    def decision(self) -> Instant:
        """The time of a decision made now.

        While another process writes too, it is a whole second. To the microsecond, whatever is
        decided there while a batch is on its way from here would make the batch late.
        """
        now = self.source()
        if self._alone_from is not None:
            if now.at < self._alone_from:
                return self._after_log(now._replace(at=now.at.replace(microsecond=0)))
            self._alone_from = None
        return self._after_log(now)

    def see(self, recorded_us: int) -> None:
        """Learn of a time in the log, in microseconds since 1970."""
        seen = instant(of_micros(recorded_us))
        if self._newest is None or self._newest.at < seen.at:
            self._newest = seen

    def share(self) -> None:
        """Learn that another process writes to the log as well."""
        self._alone_from = self.source().at + SHARED_FOR

    def waits_for_log_s(self) -> float:
        """Seconds that the log's newest time is ahead of the clock; 0 where it is not."""
        if self._newest is None:
            return 0.0
        return max(0.0, (self._newest.at - self.source().at).total_seconds())

    def _after_log(self, now: Instant) -> Instant:
        newest = self._newest
        return now if newest is None or newest.at <= now.at else newest


def new_stream(prefix: str, at: datetime) -> StreamId:
    """A fresh time-ordered stream id (UUID version 7) of a kind, for an aware moment."""
    millis = int(at.timestamp() * 1000)
    chance = int.from_bytes(os.urandom(10))
    tail = (chance & 0xFFF) << 64 | 0x7 << 76 | 0x2 << 62 | (chance >> 12) & 0x3FFF_FFFF_FFFF_FFFF
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
    """A fresh id for one request's answer and log lines, 16 hex digits."""
    return os.urandom(8).hex()


def monotonic_s() -> float:
    """Seconds for measuring, of no particular origin."""
    return time.monotonic()
