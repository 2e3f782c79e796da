"""`gongji export`: write the log with its proofs, or the verifier key."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import TextIO

from api.commands.terminal import database, ended, open_context, parser, settings_of
from service import RefusalError
from service.clock import business_clock, monotonic_s
from service.ledger.postgres.store import PostgresStore
from service.proof.export import ExportRange, RangeInvalidError, export
from service.proof.export_access_log import export_accesses
from service.proof.export_parquet import ParquetMissingError, check_parquet, write_parquet
from service.proof.proofs import NotSealedYetError
from service.proof.sealer import Sealer
from service.proof.signing_keys import listed_keys, load_signer, origin_of
from service.proof.tree import LogBrokenError
from service.settings import Settings

SEAL_WAIT_S = 10.0
ASK_EVERY_S = 0.05
STOPS = (LogBrokenError, ParquetMissingError, RangeInvalidError)


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
    command = parser("export", "Write the log with its proofs, one line for each row.")
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="standard output")
    command.add_argument("--from", dest="first", type=int, default=1, metavar="POSITION")
    command.add_argument("--to", dest="last", type=int, metavar="POSITION")
    command.add_argument("--institution", metavar="CODE", help="its bills alone, of one --day")
    command.add_argument("--day", type=date.fromisoformat, metavar="DATE")
    command.add_argument("--parquet", action="store_true", help="as a table, without proofs")
    command.add_argument(
        "--accesses", action="store_true", help="the access log instead, all of it"
    )
    command.add_argument(
        "--public-key", action="store_true", help="print the keys, the newest first"
    )
    options = command.parse_args(arguments)
    if (options.institution is None) != (options.day is None):
        command.error("--institution and --day go together")
    if options.accesses and (options.first, options.last, options.day) != (1, None, None):
        command.error("--accesses goes without a part")
    if options.parquet and (options.file is None or options.accesses):
        command.error("--parquet takes a FILE, and the log")
    return options


async def _export(options: argparse.Namespace, settings: Settings, dsn: str) -> int:
    async with open_context(settings, dsn, business_clock()) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        pool = context.store.pool
        if options.public_key:
            newest = load_signer(settings.key_file, await origin_of(pool)).verifier.text()
            print("\n".join(dict.fromkeys([newest, *await listed_keys(pool)])))
            return 0
        await _sealed(Sealer(dsn, settings.key_file, settings.data), context.store)
        part = ExportRange(options.first, options.last, options.institution, options.day)
        lines = export_accesses(pool) if options.accesses else export(context, pool, part)
        await _write(options, lines)
    return 0


async def _write(options: argparse.Namespace, lines: AsyncIterator[str]) -> None:
    """Write to standard output, or to a file that replaces the old one when it is complete."""
    if options.file is None:
        await _write_lines(sys.stdout, lines)
        return
    new = options.file.with_name(f".{options.file.name}.new")
    if options.parquet:
        count = await write_parquet(new, lines)
    else:
        with new.open("w", encoding="utf-8") as file:
            count = await _write_lines(file, lines)
    new.replace(options.file)
    print(f"{count} rows")


async def _write_lines(file: TextIO, lines: AsyncIterator[str]) -> int:
    """Write lines as they come; the number of rows after the header."""
    count = -1
    async for line in lines:
        file.write(line)
        count += 1
    return count


async def _sealed(sealer: Sealer, store: PostgresStore) -> None:
    """Seal everything; while a running service seals, wait until it has.

    Raises:
        NotSealedYetError: it has not within `SEAL_WAIT_S`.
    """
    position, deadline = await store.position(), monotonic_s() + SEAL_WAIT_S
    if await sealer.seal_now():
        return
    while await store.pool.fetchval("SELECT size FROM tree_edge") < position:
        if monotonic_s() > deadline:
            raise NotSealedYetError
        await asyncio.sleep(ASK_EVERY_S)


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1
