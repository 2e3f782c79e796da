"""What a process says of itself: all its checks together, whatever one of them does."""

import asyncio

import pytest

from service.runtime import readiness
from service.runtime.readiness import Readiness, ReadinessReason, ReadinessStatus, status_of

LATE = ReadinessReason("FOLLOWER_BEHIND", "bills: 20 events")
FORK = ReadinessReason("CHECKPOINT_MISMATCH", "size 7", stops=True)


async def later() -> list[ReadinessReason]:
    """A check that has to wait for its answer."""
    await asyncio.sleep(0)
    return [FORK]


async def broken() -> list[ReadinessReason]:
    """A check that fails with words that nobody should read."""
    raise ValueError("secret")


async def hangs() -> list[ReadinessReason]:
    """A check that never ends."""
    await asyncio.Event().wait()
    return []


@pytest.mark.parametrize(
    ("reasons", "status"),
    [
        ((), ReadinessStatus.READY),
        ((LATE,), ReadinessStatus.DEGRADED),
        ((LATE, FORK), ReadinessStatus.UNREADY),
    ],
)
def test_the_gravest_reason_decides(
    reasons: tuple[ReadinessReason, ...], status: ReadinessStatus
) -> None:
    """No reason is ready, any reason degrades, one that stops is unready."""
    assert status == status_of(reasons)


async def test_checks_are_asked_in_their_order() -> None:
    """Plain and waiting checks alike; a later one of the same name takes the place."""
    ready = Readiness()
    ready.add("lag", lambda: [FORK])
    ready.add("fork", later)
    ready.add("lag", lambda: [LATE])

    assert [LATE, FORK] == await ready.reasons()


async def test_a_check_that_fails_hides_no_other() -> None:
    """It is a reason itself, by the class of its error alone."""
    ready = Readiness()
    ready.add("broken", broken)
    ready.add("lag", lambda: [LATE])

    assert [ReadinessReason("CHECK_FAILED", "broken: ValueError"), LATE] == await ready.reasons()


async def test_a_check_that_hangs_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up after its time."""
    monkeypatch.setattr(readiness, "CHECK_MAX_S", 0.01)
    ready = Readiness()
    ready.add("hangs", hangs)
    ready.add("lag", lambda: [LATE])

    assert [ReadinessReason("CHECK_FAILED", "hangs: TimeoutError"), LATE] == await ready.reasons()
