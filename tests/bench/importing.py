"""Import lines a second, beside a PostgreSQL COPY of the rows that came of them.

Both end with the same rows in tables with the same indexes, committed to disk. What differs is
what an import is for: every line is checked, sealed, decided by the rules in the file's order,
folded into heads, and answered under its key.
"""

import argparse
import io
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import asyncpg
import uvloop

from api.commands.import_file import LIMITS, load
from api.commands.terminal import open_context
from api.ndjson_import.read_ahead import reading
from service.clock import business_clock, monotonic_s
from service.policy import publish
from service.settings import Settings
from service.vault import load_keys
from tests.bench.families import REGION

TABLES = ("events", "heads", "command_keys", "unique_names", "person_keys")
HOUSEHOLD = 3
BOUND_EVERY = 3
"""Every third household binds its members to each other, the others only have accounts."""


class Round(NamedTuple):
    """One import and one COPY, in seconds."""

    imported_s: float
    copied_s: float


def compare(options: argparse.Namespace, dsn: str, place: Path) -> None:
    """Import each kind of file and COPY its rows, in turn, and print both and the ratio."""
    for kind, lines in (("accounts alone", _accounts), ("a mix", _households)):
        path = place / "lines.ndjson"
        count = _write(path, lines(), options.lines)
        print(f"import, {kind}: {count:,} lines into a fresh ledger")
        rounds: list[Round] = []
        for number in range(options.rounds):
            rounds.append(_round(dsn, place, path, count))
            imported_s, copied_s = rounds[-1]
            print(
                f"  round {number + 1}: {count / imported_s:,.0f} lines/s in {imported_s:.2f} s,"
                f" COPY {copied_s:.2f} s, ratio {copied_s / imported_s:.2f}"
            )
        _tell(kind, count, rounds)


def _tell(kind: str, count: int, rounds: list[Round]) -> None:
    rates = [count / each.imported_s for each in rounds]
    ratios = [each.copied_s / each.imported_s for each in rounds]
    print(
        f"import, {kind}: {statistics.median(rates):,.0f} lines/s"
        f" [{min(rates):,.0f}..{max(rates):,.0f}],"
        f" {statistics.median(ratios):.2f} x [{min(ratios):.2f}..{max(ratios):.2f}]"
        f" of a COPY of the same rows\n"
    )


def _round(dsn: str, place: Path, path: Path, count: int) -> Round:
    settings = Settings.read({"GONGJI_DATA": str(place / "import")})
    with _database(dsn) as mine, reading(path, load_keys(settings.key_file)) as windows:
        imported_s = uvloop.run(_import(settings, mine, windows, count))
        return Round(imported_s, uvloop.run(_copy(mine)))


@contextmanager
def _database(dsn: str) -> Iterator[str]:
    """The DSN of an empty database, dropped at the end."""

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(statement)
        await connection.close()

    uvloop.run(run("CREATE DATABASE import"))
    try:
        yield dsn.replace("/postgres?", "/import?")
    finally:
        uvloop.run(run("DROP DATABASE import"))


async def _import(settings: Settings, dsn: str, windows: Connection, count: int) -> float:
    async with open_context(settings, dsn, business_clock(), LIMITS) as context:
        await publish(context)
        await context.store.pool.execute("CHECKPOINT")  # type: ignore[attr-defined]
        began = monotonic_s()
        good = 0
        async for _, told in load(context, windows):
            assert all(line.what != "bad" for line in told), "every line is good"
            good += len(told)
        seconds = monotonic_s() - began
    assert good == count, f"{good} of {count} lines"
    return seconds


async def _copy(dsn: str) -> float:
    """Read the rows, then measure one transaction that copies them into empty twins."""
    connection = await asyncpg.connect(dsn)
    rows: dict[str, bytes] = {}
    for table in TABLES:
        taken = io.BytesIO()
        await connection.copy_from_table(table, output=taken, format="binary")
        rows[table] = taken.getvalue()
        await connection.execute(f"CREATE TABLE twin_{table} (LIKE {table} INCLUDING ALL)")
    await connection.execute("ALTER TABLE twin_heads SET (fillfactor = 70); CHECKPOINT")
    began = monotonic_s()
    async with connection.transaction():
        for table in TABLES:
            source = io.BytesIO(rows[table])
            await connection.copy_to_table(f"twin_{table}", source=source, format="binary")
    seconds = monotonic_s() - began
    await connection.close()
    return seconds


def _write(path: Path, lines: Iterator[dict[str, object]], count: int) -> int:
    with path.open("w", encoding="utf-8") as file:
        for _, line in zip(range(count), lines, strict=False):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return count


def _accounts() -> Iterator[dict[str, object]]:
    number = 0
    while True:
        number += 1
        yield {
            "type": "account",
            "person_no": f"P{number}",
            "name": "张三",
            "cert_no": f"54250019800101{number:08d}",
            "insurance": "employee",
            "region": REGION,
            "status": "normal",
        }


def _households() -> Iterator[dict[str, object]]:
    """Accounts with money; some households with kinship, bindings and an order."""
    people = _accounts()
    number = 0
    while True:
        number += 1
        opened = [next(people) for _ in range(HOUSEHOLD)]
        yield from opened
        child, *parents = (str(person["person_no"]) for person in opened)
        for person in (child, *parents):
            yield {"type": "credit", "person_no": person, "amount": "300.00", "reference": person}
        if number % BOUND_EVERY == 0:
            yield from _bound(child, parents)


def _bound(child: str, parents: list[str]) -> Iterator[dict[str, object]]:
    for parent in parents:
        yield {"type": "kinship", "person_no": child, "relative": parent, "relation": "parent"}
    for parent in parents:
        yield {
            "type": "binding",
            "sponsor": parent,
            "beneficiary": child,
            "relation": "child",
            "confirmed_at": "2025-01-01T09:00:00+08:00",
        }
    yield {"type": "order", "beneficiary": child, "sponsors": parents}
