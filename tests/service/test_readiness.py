"""What a process says of itself: all its checks together, whatever one of them does."""

import asyncio

import pytest

from service import readiness
from service.readiness import Readiness, Reason, Status, status_of

LATE = Reason("FOLLOWER_BEHIND", "bills: 20 events")
FORK = Reason("CHECKPOINT_MISMATCH", "size 7", stops=True)


async def later() -> list[Reason]:
    """A check that has to wait for its answer."""
    await asyncio.sleep(0)
    return [FORK]


async def broken() -> list[Reason]:
    """A check that fails with words that nobody should read."""
    raise ValueError("secret")


async def hangs() -> list[Reason]:
    """A check that never ends."""
    await asyncio.Event().wait()
    return []


@pytest.mark.parametrize(
    ("reasons", "status"),
    [((), Status.READY), ((LATE,), Status.DEGRADED), ((LATE, FORK), Status.UNREADY)],
)
def test_the_gravest_reason_decides(reasons: tuple[Reason, ...], status: Status) -> None:
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

    assert [Reason("CHECK_FAILED", "broken: ValueError"), LATE] == await ready.reasons()


async def test_a_check_that_hangs_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up after its time."""
    monkeypatch.setattr(readiness, "CHECK_MAX_S", 0.01)
    ready = Readiness()
    ready.add("hangs", hangs)
    ready.add("lag", lambda: [LATE])

    assert [Reason("CHECK_FAILED", "hangs: TimeoutError"), LATE] == await ready.reasons()
