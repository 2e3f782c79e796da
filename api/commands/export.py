"""`gongji export`: write the log with its proofs, or the verifier key."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import TextIO

from api.commands.terminal import database, ended, open_context, parser, settings_of
from service import RefusalError
from service.clock import business_clock, monotonic_s
from service.ledger.postgres.store import PostgresStore
from service.proof.access_log_head import AccessesBrokenError
from service.proof.export import ExportRange, RangeInvalidError, export
from service.proof.export_access_log import export_accesses
from service.proof.export_parquet import ParquetMissingError, check_parquet, write_parquet
from service.proof.proofs import NotSealedYetError
from service.proof.sealer import LogForkedError, LogShortenedError, Sealer, origin_of
from service.proof.signing_keys import load_signer
from service.proof.tree import LogBrokenError
from service.settings import Settings

SEAL_WAIT_S = 10.0
ASK_EVERY_S = 0.05
STOPS = (
    AccessesBrokenError,
    LogBrokenError,
    LogForkedError,
    LogShortenedError,
    ParquetMissingError,
    RangeInvalidError,
)


def main(arguments: list[str]) -> int:
    """Write an export; the exit status."""
    options = _options(arguments)
    return ended("export", partial(_written, options, settings_of(options)))


def _written(options: argparse.Namespace, settings: Settings) -> int:
    try:
        if options.parquet:
            check_parquet()
        with database(settings) as dsn:
            return asyncio.run(_export(options, settings, dsn))
    except STOPS as error:
        return _fail(str(error))
    except NotSealedYetError:
        return _fail("the log is empty, or was not sealed in time")
    except RefusalError:
        return _fail(f"no institution {options.institution}")


def _options(arguments: list[str]) -> argparse.Namespace:
    made = parser("export", "Write the log with its proofs, one line for each row.")
    made.add_argument("file", nargs="?", type=Path, metavar="FILE", help="standard output")
    made.add_argument("--from", dest="first", type=int, default=1, metavar="POSITION")
    made.add_argument("--to", dest="last", type=int, metavar="POSITION")
    made.add_argument("--institution", metavar="CODE", help="its bills alone, of one --day")
    made.add_argument("--day", type=date.fromisoformat, metavar="DATE")
    made.add_argument("--parquet", action="store_true", help="as a table, without proofs")
    made.add_argument("--accesses", action="store_true", help="the access log instead, all of it")
    made.add_argument("--public-key", action="store_true", help="print the keys, the newest first")
    options = made.parse_args(arguments)
    if (options.institution is None) != (options.day is None):
        made.error("--institution and --day go together")
    if options.accesses and (options.first, options.last, options.day) != (1, None, None):
        made.error("--accesses goes without a part")
    if options.parquet and (options.file is None or options.accesses):
        made.error("--parquet takes a FILE, and the log")
    return options


async def _export(options: argparse.Namespace, settings: Settings, dsn: str) -> int:
    async with open_context(settings, dsn, business_clock()) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        pool = context.store.pool
        if options.public_key:
            now = load_signer(settings.key_file, await origin_of(pool)).verifier.text()
            known = await pool.fetch("SELECT verifier_key FROM seal_keys ORDER BY began_at DESC")
            print("\n".join(dict.fromkeys([now, *(str(key) for (key,) in known)])))
            return 0
        await _sealed(Sealer(dsn, settings.key_file, settings.data), context.store)
        part = ExportRange(options.first, options.last, options.institution, options.day)
        lines = export_accesses(pool) if options.accesses else export(context, pool, part)
        count = await (_table if options.parquet else _lines)(options.file, lines)
        if options.file is not None:
            print(f"{count} rows")
    return 0


async def _lines(path: Path | None, lines: AsyncIterator[str]) -> int:
    """Write lines as they come; how many rows are behind the header."""
    with _opened(path) as file:
        count = -1
        async for line in lines:
            file.write(line)
            count += 1
    return count


async def _table(path: Path, lines: AsyncIterator[str]) -> int:
    """Write a table, whole or not at all; how many rows it has."""
    made = path.with_name(f".{path.name}.new")
    count = await write_parquet(made, lines)
    made.replace(path)
    return count


async def _sealed(sealer: Sealer, store: PostgresStore) -> None:
    """Seal what there is; where a running service does, wait for it."""
    position, deadline = await store.position(), monotonic_s() + SEAL_WAIT_S
    if await sealer.seal_now():
        return
    while await store.pool.fetchval("SELECT size FROM tree_edge") < position:
        if monotonic_s() > deadline:
            raise NotSealedYetError
        await asyncio.sleep(ASK_EVERY_S)


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    made = path.with_name(f".{path.name}.new")
    with made.open("w", encoding="utf-8") as file:
        yield file
    made.replace(path)


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1
