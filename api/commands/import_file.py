"""`gongji import FILE`: NDJSON through the same use cases as HTTP, many lines at once."""

import asyncio
import os
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import uvloop

from api.commands import terminal as bar
from api.commands.terminal import (
    check_clock,
    clock_beside,
    database,
    open_context,
    parser,
    settings_of,
)
from api.http.texts import PROBLEM_TEXTS
from api.ndjson_import.read_ahead import TOGETHER, ParsedLine, Window, reading, reason_of
from service.command_batch import carry_out
from service.context import ServiceContext
from service.ledger.command import Reply
from service.ledger.head_cache import Limits
from service.policy import publish
from service.proof.outside import UNSAFE, outside_of
from service.runtime.clock_skew import ClockSkewError
from service.runtime.gc_tuning import settle_in
from service.runtime.logs import set_up_logging
from service.settings import Settings
from service.vault import load_keys

UNDER_WAY = 3
"""Windows under way: one is being appended, one is decided on top of it, one is next."""
LIMITS = Limits(batch_max=TOGETHER, chunk_max=64, waiting_max=8 * TOGETHER, deadline_s=60.0)
"""Large batches, decided in small chunks, so that the batch before is sent in between."""
SHOWN_MAX = 200


class LineResult(NamedTuple):
    """The result of a line, with its kind and the reason if it is bad."""

    number: int
    what: str
    why: str
    kind: str = ""

    def sentence(self) -> str:
        """A bad line for people: where, of what kind, and why. It quotes nothing of the line."""
        code = self.why.partition(" ")[0]
        kind = f" ({self.kind})" if self.kind else ""
        return f"line {self.number}{kind}: {self.why}: {PROBLEM_TEXTS[code].en}"


def main(arguments: list[str]) -> int:
    """Load a file; exit status 1 if any line is bad."""
    made = parser("import", "Load an NDJSON file; loading it twice changes nothing.")
    made.add_argument("file", type=Path)
    made.add_argument(
        "--rejects", type=Path, metavar="FILE", help="write the bad lines there, to be mended"
    )
    options = made.parse_args(arguments)
    set_up_logging()
    rejects: Path | None = options.rejects
    if wrong := _wrong_in(options.file, rejects):
        print(f"gongji: {wrong}", file=sys.stderr)
        return 2
    settings = settings_of(options)
    size = options.file.stat().st_size
    keys = load_keys(settings.key_file)
    with reading(options.file, keys) as windows, database(settings) as dsn:
        try:
            bad = uvloop.run(_load(settings, dsn, windows, size))
        except (ClockSkewError, *UNSAFE) as error:
            print(f"gongji: {error}", file=sys.stderr)
            return 1
    if rejects is not None:
        _keep(options.file, bad, rejects)
        print(f"rejected lines: {rejects}")
    return 1 if bad else 0


def _wrong_in(path: Path, rejects: Path | None) -> str:
    """Why these files cannot be used; empty if they can. The rejects are begun before the load."""
    if not path.is_file():
        return f"no file {path}"
    if rejects is None:
        return ""
    if rejects.exists() and rejects.samefile(path):
        return "--rejects names the file itself"
    try:
        _keep(path, set(), rejects)
    except OSError as error:
        return f"--rejects: {error.strerror}"
    return ""


def _keep(path: Path, bad: set[int], rejects: Path) -> None:
    """Copy the bad lines as they are. They have personal data, so the file is its owner's alone."""
    rejects.unlink(missing_ok=True)
    made = os.open(rejects, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with path.open("rb") as lines, os.fdopen(made, "wb") as kept:
        kept.writelines(line for number, line in enumerate(lines, 1) if number in bad)


async def _load(settings: Settings, dsn: str, windows: Connection, size: int) -> set[int]:
    """Load the windows, and print what happened; the numbers of the bad lines."""
    counts: Counter[str] = Counter()
    bad: set[int] = set()
    done = 0
    limits = LIMITS._replace(heads_max=settings.heads_max)
    clock = await clock_beside(settings, dsn)
    await check_clock(dsn)
    async with open_context(settings, dsn, clock, limits, outside_of(settings)) as context:
        await publish(context)
        settle_in()
        async for read, told in load(context, windows):
            for result in told:
                counts[result.what] += 1
                if result.what != "bad":
                    continue
                bad.add(result.number)
                if len(bad) <= SHOWN_MAX:
                    bar.clear()
                    print(result.sentence())
            done += read
            bar.show(done, size)
    bar.clear()
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "nothing")
    return bad


async def load(
    context: ServiceContext, windows: Connection
) -> AsyncIterator[tuple[int, list[LineResult]]]:
    """Carry out windows in their order; yields the bytes of each, and the results of its lines."""
    under_way: deque[asyncio.Task[tuple[int, list[LineResult]]]] = deque()
    async for window in _received(windows):
        under_way.append(asyncio.create_task(_carried_out(context, window)))
        if len(under_way) > UNDER_WAY:
            yield await under_way.popleft()
    while under_way:
        yield await under_way.popleft()


async def _received(windows: Connection) -> AsyncIterator[Window]:
    """Each window, while the next one is read."""
    loop = asyncio.get_running_loop()
    coming = loop.run_in_executor(None, windows.recv)
    while (window := await coming) is not None:
        coming = loop.run_in_executor(None, windows.recv)
        yield window


async def _carried_out(context: ServiceContext, window: Window) -> tuple[int, list[LineResult]]:
    items = [line.item for line in window.lines if line.item is not None]
    replies = iter(await carry_out(context, items))
    told = [_told(line, next(replies) if line.item else None) for line in window.lines]
    return window.size, told


def _told(line: ParsedLine, reply: Reply | Exception | None) -> LineResult:
    """The result of a line; a line without a request is bad."""
    if reply is None:
        return LineResult(line.number, "bad", line.why)
    if isinstance(reply, Exception):
        return LineResult(line.number, "bad", reason_of(reply), line.kind)
    if reply.refusal is not None:
        return LineResult(line.number, "bad", reply.refusal, line.kind)
    return LineResult(line.number, f"{line.kind} again" if reply.is_replayed else line.kind, "")
