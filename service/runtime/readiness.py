"""The readiness of this process, from the checks of its parts.

A part adds a check to `ServiceContext.readiness` when it starts. A check returns the current
reasons, none if all is well. A reason makes the service degraded, with `stops=True` unready. No
detail has personal data.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

CHECK_MAX_S = 1.5
"""Seconds that a check may take; probes wait two."""


class ReadinessReason(NamedTuple):
    """A stable code, and a sentence for the operator; with `stops` the process is unready."""

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
        """Run this check from now on, instead of one of the same name."""
        self._checks[name] = check

    async def reasons(self) -> list[ReadinessReason]:
        """The reasons of all checks, in the order they were added; they run at the same time."""
        results = await asyncio.gather(*(_run(*named) for named in self._checks.items()))
        return [reason for reasons in results for reason in reasons]


def status_of(reasons: Iterable[ReadinessReason]) -> ReadinessStatus:
    """The status by these reasons."""
    stops = [reason.stops for reason in reasons]
    if any(stops):
        return ReadinessStatus.UNREADY
    return ReadinessStatus.DEGRADED if stops else ReadinessStatus.READY


async def _run(name: str, check: Check) -> list[ReadinessReason]:
    """The reasons of a check; if it fails or hangs that is a reason, without its message."""
    try:
        async with asyncio.timeout(CHECK_MAX_S):
            reasons = check()
            return list(await reasons if inspect.isawaitable(reasons) else reasons)
    except Exception as error:  # noqa: BLE001 -- a broken check must not hide the others
        return [ReadinessReason("CHECK_FAILED", f"{name}: {type(error).__name__}")]
