"""Replays that auditors started: each in a child process of its own, one at a time."""

import asyncio
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from service.clock import Clock, micros, new_trace, rfc3339
from service.settings import Settings

LOG = logging.getLogger("gongji.api")
KEPT_MAX = 100
"""Replays remembered; the oldest are forgotten first."""
LINE_MAX = 4 * 1_048_576
"""Bytes of a child's line: a report with all the differences that it keeps."""


@dataclass(slots=True)
class Replay:
    """A replay under way or over; times as they are told, `report` once it is done."""

    id: str
    as_of: str | None
    started_at: str
    status: str = "running"
    ended_at: str | None = None
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None


class Replays:
    """The replays of this process."""

    def __init__(self, dsn: str, settings: Settings, clock: Clock) -> None:
        """Replay this database, with these keys."""
        self._environment = {
            "GONGJI_DATABASE_URL": dsn,
            "GONGJI_DATA": str(settings.data),
            "GONGJI_KEY_FILE": str(settings.key_file),
        }
        self._clock = clock
        self._known: dict[str, Replay] = {}
        self._task: asyncio.Task[None] | None = None
        self.running: Replay | None = None

    def find(self, replay_id: str) -> Replay | None:
        """A replay of this process."""
        return self._known.get(replay_id)

    def start(self, as_of: str | None) -> Replay:
        """Begin one; none may be under way."""
        assert self.running is None, "one at a time"
        replay = Replay(f"rpl_{new_trace()}", as_of, self._now())
        self._known[replay.id] = replay
        if len(self._known) > KEPT_MAX:
            del self._known[next(iter(self._known))]
        self.running = replay
        self._task = asyncio.create_task(self._run(replay))
        return replay

    async def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _now(self) -> str:
        return rfc3339(micros(self._clock()))

    async def _run(self, replay: Replay) -> None:
        as_of = ("--as-of", replay.as_of) if replay.as_of is not None else ()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api", "replay", "--json", *as_of),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment},
            limit=LINE_MAX,
            start_new_session=True,
        )
        try:
            await _follow(child, replay)
        except ValueError:
            LOG.exception("replay.unreadable")
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()
            replay.status = "failed" if replay.report is None else "done"
            replay.ended_at = self._now()
            self.running = None


async def _follow(child: asyncio.subprocess.Process, replay: Replay) -> None:
    """Read what a child tells, line by line, until its end."""
    assert child.stdout is not None, "its output is a pipe"
    async for line in child.stdout:
        told = from_json(line)
        if "report" in told:
            replay.report = told["report"]
        else:
            replay.done, replay.total = told["done"], told["of"]
    await child.wait()
