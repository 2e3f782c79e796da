"""Opens the ledger of a service: its log is the signed one, and its clock can be used."""

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from api.commands.terminal import is_behind_log, keep_clock, open_context
from api.http.metrics import SKEW
from service.clock import business_clock
from service.context import ServiceContext
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import may_rewrite
from service.ledger.postgres.store import READER_SETTINGS, PostgresStore
from service.proof.fork import CheckpointDifference, begin_fork, declare_fork
from service.proof.outside import Outside, reasons_of
from service.proof.sealer import Sealer, check_length
from service.runtime.clock_skew import SkewWatch
from service.settings import Settings

LOG = logging.getLogger("gongji.run")
MAY_REWRITE = (
    "database.login_may_rewrite: GONGJI_DATABASE_URL logs in as a superuser or an owner of tables;"
    " give the service a login with gongji_writer alone, and this one to GONGJI_MIGRATE_URL"
)


class ClockBehindError(Exception):
    """The business clock would start before the newest event; time does not run back."""


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    dsn: str,
    outside: Outside | None,
    clock_at: datetime | None = None,
    fork_reason: str | None = None,
) -> AsyncIterator[ServiceContext]:
    """The context of a service, on a log that is the signed one or whose fork is declared.

    The business clock starts at `clock_at`, or is the machine's; its skew is watched.
    `fork_reason` is what an operator states who accepts a fork.

    Raises:
        CheckpointMismatchError, LogShortenedError, AccessesBrokenError: the log is another one;
        ForkRefusedError, OutsideUnreachableError: the fork cannot be declared;
        ClockBehindError, ClockSkewError: the clock cannot be used.
    """
    clock = business_clock(clock_at)
    fork = [] if fork_reason is None else await _begin_fork(settings, dsn, outside, fork_reason)
    async with open_context(settings, dsn, clock, outside=outside) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        pool = context.store.pool
        if clock_at is not None and await is_behind_log(context.store, clock):
            raise ClockBehindError("--clock lies before the last recorded event")
        skew = SkewWatch(pool, context.appender.clock, SKEW.set)
        await skew.start()
        context.readiness.add("clock", skew.reasons)
        context.readiness.add("checkpoint", partial(reasons_of, outside))
        keep_clock(settings.data, None if clock_at is None else clock)
        try:
            if await may_rewrite(pool):
                LOG.warning(MAY_REWRITE)
            await check_length(pool, settings.data)
            if fork_reason is not None and fork:
                sealer = Sealer(dsn, settings.key_file, settings.data, outside)
                await declare_fork(context, sealer, outside, fork, fork_reason)
            yield context
        finally:
            await skew.close()


async def _begin_fork(
    settings: Settings, dsn: str, outside: Outside | None, reason: str
) -> list[CheckpointDifference]:
    """What the operator accepts, printed; empty where the log only grew."""
    connection = await connect(dsn, READER_SETTINGS)
    try:
        differences = await begin_fork(connection, settings, outside, reason)
    finally:
        await connection.close()
    for differing in differences:
        print(f"fork accepted: {differing.difference}")
    if not differences:
        print("no fork to accept: the log grew out of what was signed")
    return differences
