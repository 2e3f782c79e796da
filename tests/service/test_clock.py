"""The time of decisions: a process's clock, never before the log, and in seconds among others."""

from datetime import timedelta

from service.clock import LedgerClock, micros
from tests.cases.outcome import StoppedClock

SECOND = timedelta(seconds=1)


def test_it_is_never_before_what_was_seen() -> None:
    """A clock that stands behind the log, or is set back, waits for it."""
    source = StoppedClock()
    clock = LedgerClock(source)
    began = source.at
    assert began == clock().at

    clock.see(micros(clock()) + 1_500_000)
    clock.see(micros(source()))
    ahead = began + 1.5 * SECOND
    assert [ahead] * 2 == [clock().at, clock.decision().at]
    source.at = began - 3600 * SECOND
    assert (ahead, ahead.date()) == clock.decision()
    source.at = ahead + SECOND
    assert [ahead + SECOND] * 2 == [clock().at, clock.decision().at]


def test_it_goes_by_seconds_while_others_write() -> None:
    """Decisions fall on whole seconds, but not before the log; after a minute alone they do not."""
    source = StoppedClock()
    clock = LedgerClock(source)
    began = source.at
    source.at = began + 0.25 * SECOND
    assert source.at == clock.decision().at

    clock.share()
    assert (source.at, began) == (clock().at, clock.decision().at)
    clock.see(micros(source()))
    assert source.at == clock.decision().at
    source.at = began + 60 * SECOND
    assert source.at == clock.decision().at
    source.at = began + 60.25 * SECOND
    assert source.at == clock.decision().at
