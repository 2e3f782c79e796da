"""`gongji import FILE`: NDJSON through the same use cases as HTTP, many lines at once."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import uvloop
from pydantic import ValidationError

from api.commands import bar
from api.commands.options import database, open_house, parser, settings_of
from api.lines import load_line
from api.problems import ProblemError, problem_of
from service import RefusalError
from service.clock import business_clock
from service.editions import publish
from service.garbage import settle_in
from service.house import House
from service.ledger.command import KeyReusedError
from service.settings import Settings

TOGETHER = 1024
"""Lines under way at once; they are decided in the file's order all the same."""
SHOWN_MAX = 200


def main(arguments: list[str]) -> int:
    """Load a file; 1 where any line was bad."""
    made = parser("import", "Load an NDJSON file; loading it twice changes nothing.")
    made.add_argument("file", type=Path)
    options = made.parse_args(arguments)
    if not options.file.is_file():
        print(f"gongji: no file {options.file}", file=sys.stderr)
        return 2
    settings = settings_of(options)
    with database(settings) as dsn:
        size = options.file.stat().st_size
        with options.file.open("rb") as file:
            return uvloop.run(_load(settings, dsn, file, size))


async def _load(settings: Settings, dsn: str, file: BinaryIO, size: int) -> int:
    counts: Counter[str] = Counter()
    done = 0
    async with open_house(settings, dsn, business_clock()) as house:
        await publish(house)
        settle_in()
        for together in _groups(enumerate(file, 1)):
            told = await asyncio.gather(*(_line(house, n, raw) for n, raw in together))
            for number, what, why in told:
                counts[what] += 1
                if what == "bad" and counts["bad"] <= SHOWN_MAX:
                    bar.clear()
                    print(f"line {number}: {why}")
            done += sum(len(raw) for _, raw in together)
            bar.show(done, size)
    bar.clear()
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "nothing")
    return 1 if counts["bad"] else 0


def _groups(lines: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    source = iter(lines)
    while group := list(islice(source, TOGETHER)):
        yield [(number, raw) for number, raw in group if raw.strip()]


async def _line(house: House, number: int, raw: bytes) -> tuple[int, str, str]:
    """One line: its number, what became of it, and why if it was bad."""
    try:
        kind, reply = await load_line(house, raw)
    except (ProblemError, ValidationError, RefusalError, KeyReusedError) as error:
        code, _, fields = problem_of(error)
        named = fields.get("errors")
        first = named[0] if isinstance(named, list) and named else None
        return number, "bad", code if first is None else f"{code} {first['field']}".rstrip()
    if reply.refusal is not None:
        return number, "bad", reply.refusal
    return number, f"{kind} again" if reply.is_replayed else kind, ""
