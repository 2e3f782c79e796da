"""Why this process is not, or not wholly, ready; every part of the service feeds it.

A part adds a check to `ServiceContext.readiness` when it starts. A check returns the reasons
that hold now, none where all is well. A reason degrades the service; one with `stops=True` makes
it unready. No detail holds personal data.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

CHECK_MAX_S = 1.5
"""How long one check may take, in seconds: probes wait two."""


class ReadinessReason(NamedTuple):
    """A stable code, and a sentence for the operator. `stops`: take this process out of service."""

    code: str
    detail: str
    stops: bool = False


class ReadinessStatus(StrEnum):
    """How ready a process is."""

    READY = "ready"
    DEGRADED = "degraded"
    UNREADY = "unready"


Check = Callable[[], Iterable[ReadinessReason] | Awaitable[Iterable[ReadinessReason]]]


class Readiness:
    """The checks of one process."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask this check from now on; a check of the same name is replaced."""
        self._checks[name] = check

    async def reasons(self) -> list[ReadinessReason]:
        """What every check says now, in the order they were added. All are asked at once."""
        asked = (_ask(name, check) for name, check in self._checks.items())
        return [reason for found in await asyncio.gather(*asked) for reason in found]


def status_of(reasons: Iterable[ReadinessReason]) -> ReadinessStatus:
    """What reasons amount to."""
    stops = [reason.stops for reason in reasons]
    if any(stops):
        return ReadinessStatus.UNREADY
    return ReadinessStatus.DEGRADED if stops else ReadinessStatus.READY


async def _ask(name: str, check: Check) -> list[ReadinessReason]:
    """Ask one check; one that fails or hangs is a reason itself, told without its words."""
    try:
        async with asyncio.timeout(CHECK_MAX_S):
            found = check()
            return list(await found if inspect.isawaitable(found) else found)
    except Exception as error:  # noqa: BLE001 -- a broken check must not hide the others
        return [ReadinessReason("CHECK_FAILED", f"{name}: {type(error).__name__}")]
