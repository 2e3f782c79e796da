"""`gongji run`: the service in the foreground, on its own PostgreSQL or a given one."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from types import FrameType

import asyncpg
import uvicorn
import uvloop
from typing_extensions import override

from api.app import create_app
from api.commands.terminal import (
    Logins,
    clock_option,
    is_behind_log,
    keep_clock,
    open_context,
    parser,
    port_option,
    settings_of,
)
from api.demo.run import tell_a_day
from api.his.gateway import paths_of
from api.http.dependencies import Api
from api.http.limits.protocol import Bounds, bounded, connections_at_most
from api.http.limits.rate_limits import RateLimits
from api.http.metrics import SKEW
from api.http.tokens import TokenKeysError, Tokens, issuer_path, make_issuer
from api.processes.child_processes import FollowingChild, TaxChild
from api.processes.replay_jobs import Replays
from service.adapters.identity_verifier import IdentityVerifier
from service.adapters.kinship_registry import Registry
from service.adapters.tax_authority import Tax
from service.clock import Clock, business_clock
from service.context import ServiceContext
from service.embedded_postgres.cluster import ClusterStartError
from service.embedded_postgres.server import ClusterHeldError, EmbeddedPostgres
from service.ledger.migrate import MigrationChangedError, migrate
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import RolesMissingError, may_rewrite
from service.ledger.postgres.store import READER_SETTINGS, PostgresStore
from service.ledger.store import StoreUnavailableError
from service.policy import EditionEditedError, publish
from service.premium.resolver import resolver_on
from service.proof.access_log_head import AccessesBrokenError
from service.proof.fork import CheckpointDifference, ForkRefusedError, begin_fork, declare_fork
from service.proof.outside import UNSAFE, Outside, outside_of, reasons_of, watched
from service.proof.sealer import LogShortenedError, Sealer, check_length
from service.proof.tree import LogBrokenError
from service.read_models.follower import Follower
from service.read_models.lag import follower_reasons
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyFilesError
from service.runtime.clock_skew import ClockSkewError, SkewWatch
from service.runtime.gc_tuning import settle_in
from service.runtime.logs import set_up_logging, take_off_detail
from service.settings import Settings
from service.vault import KeyFileError


class ClockBehindError(Exception):
    """The business clock would start before the newest event; time does not run back."""


STOPS = (
    *UNSAFE,
    AccessesBrokenError,
    ClockBehindError,
    ClockSkewError,
    ClusterHeldError,
    ClusterStartError,
    EditionEditedError,
    ForkRefusedError,
    KeyFileError,
    LogBrokenError,
    LogShortenedError,
    MigrationChangedError,
    PolicyFilesError,
    RolesMissingError,
    StoreUnavailableError,
    TokenKeysError,
    OSError,
    asyncpg.PostgresError,
)
"""What an operator must mend; told in one line, without a trace."""
LOG = logging.getLogger("gongji.run")
MIGHTY = (
    "database.login_may_rewrite: GONGJI_DATABASE_URL logs in as a superuser or an owner of tables;"
    " give the service a login with gongji_writer alone, and this one to GONGJI_MIGRATE_URL"
)
WATCH_S = 0.5
REQUESTS_S = 12
"""Seconds that requests under way may take after a stop; the longest deadline is 10."""
GRACE_S = 38.0
"""Seconds after a stop at which the process ends whatever hangs."""
STAND_IN = (
    "保费:未设 GONGJI_TAX_URL,由替身代答税务部门,不真正征收\n"
    "premiums: without GONGJI_TAX_URL a stand-in answers for the tax side and collects nothing"
)


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status."""
    options = _options(arguments)
    settings = settings_of(options)
    set_up_logging()
    signal.signal(signal.SIGTERM, _interrupt)  # until the server listens for it
    postgres: EmbeddedPostgres | None = None
    try:
        given = Logins.given(settings)
        if given is None:
            postgres = EmbeddedPostgres(settings.data)
            found = Logins.embedded(postgres.start())
        elif options.clock is not None:
            return _fail("--clock needs the embedded database")
        else:
            found = given
        asyncio.run(migrate(found.migrator))
        return uvloop.run(_serve(options, settings, found.service, postgres))
    except STOPS as error:
        take_off_detail(error)
        return _fail(str(error) or type(error).__name__)
    finally:
        if postgres is not None:
            postgres.stop()


def _options(arguments: list[str]) -> argparse.Namespace:
    made = parser("run", "Start the service in the foreground.")
    environment = os.environ
    made.add_argument("--host", default=environment.get("GONGJI_HOST", "127.0.0.1"))
    port_option(made, environment.get("GONGJI_PORT", "8000"))
    made.add_argument(
        "--no-demo", action="store_true", default=environment.get("GONGJI_NO_DEMO") == "1"
    )
    clock_option(made, environment.get("GONGJI_CLOCK"))
    made.add_argument(
        "--accept-fork",
        metavar="TEXT",
        help="go on although another history was signed: why, for the record; a new key signs",
    )
    made.add_argument(
        "--fsi-paths",
        metavar="PATHS",
        default=environment.get("GONGJI_FSI_PATHS"),
        help="where the national protocol is spoken, comma separated",
    )
    return made.parse_args(arguments)


async def _serve(
    options: argparse.Namespace,
    settings: Settings,
    dsn: str,
    postgres: EmbeddedPostgres | None,
) -> int:
    clock, outside = business_clock(options.clock), outside_of(settings)
    async with _opened(options, settings, dsn, clock, outside) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        _ask_outside(context, settings)
        make_issuer(issuer_path(settings.data))
        await publish(context)
        follower = await _read_models(context, context.store, dsn)
        child = FollowingChild(dsn, settings)
        context.appender.on_landed = child.wake
        child.start()
        try:
            if not options.no_demo:
                await tell_a_day(context)
            keys = settings.token_keys or issuer_path(settings.data)
            settle_in()
            read_models = ReadModels(context.store.pool, follower)
            replays = Replays(dsn, settings, clock, read_models.pool)
            tokens = Tokens(keys, context.vault)
            context.readiness.add("token keys", tokens.reasons)
            api = Api(context, tokens, read_models, replays, _limits_of(settings))
            async with (
                watched(outside, context.store.pool),
                _premiums(context, context.store, settings, postgres),
            ):
                return await _listen(api, options, postgres, settings)
        finally:
            await child.close()


def _ask_outside(context: ServiceContext, settings: Settings) -> None:
    """Connect the registry of kinships and the verifier of proofs, as far as there are any."""
    if settings.kinship_url is not None:
        context.registry = Registry(settings.kinship_url)
    if settings.identity_url is not None:
        context.proofs = IdentityVerifier(settings.identity_url)


@contextlib.asynccontextmanager
async def _opened(
    options: argparse.Namespace,
    settings: Settings,
    dsn: str,
    clock: Clock,
    outside: Outside | None,
) -> AsyncIterator[ServiceContext]:
    """A house whose log is the one that was signed, or whose fork is declared.

    Its clock is neither behind the log nor far from the database's, and is watched.

    Raises:
        CheckpointMismatchError, LogShortenedError, AccessesBrokenError: it is another one;
        ForkRefusedError, OutsideUnreachableError: no fork can be declared so;
        ClockBehindError, ClockSkewError: its clock cannot be used.
    """
    text: str | None = options.accept_fork
    fork = [] if text is None else await _forked(settings, dsn, outside, text)
    async with open_context(settings, dsn, clock, outside=outside) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        if options.clock is not None and await is_behind_log(context.store, clock):
            raise ClockBehindError("--clock lies before the last recorded event")
        watch = SkewWatch(context.store.pool, context.appender.clock, SKEW.set)
        await watch.start()
        context.readiness.add("clock", watch.reasons)
        context.readiness.add("checkpoint", partial(reasons_of, outside))
        keep_clock(settings.data, None if options.clock is None else clock)
        try:
            await _look_at(context.store, settings)
            if text is not None and fork:
                sealer = Sealer(dsn, settings.key_file, settings.data, outside)
                await declare_fork(context, sealer, outside, fork, text)
            yield context
        finally:
            await watch.close()


async def _look_at(store: PostgresStore, settings: Settings) -> None:
    """Look whether the log is the one that was signed, and who we are to it.

    Raises:
        LogShortenedError, AccessesBrokenError: it is another one.
    """
    if await may_rewrite(store.pool):
        LOG.warning(MIGHTY)
    await check_length(store.pool, settings.data)


async def _forked(
    settings: Settings, dsn: str, outside: Outside | None, text: str
) -> list[CheckpointDifference]:
    """What an operator accepts, listed; nothing where the log only grew."""
    connection = await connect(dsn, READER_SETTINGS)
    try:
        found = await begin_fork(connection, settings, outside, text)
    finally:
        await connection.close()
    for differing in found:
        print(f"fork accepted: {differing.difference}")
    if not found:
        print("no fork to accept: the log grew out of what was signed")
    return found


async def _read_models(context: ServiceContext, store: PostgresStore, dsn: str) -> Follower:
    """The read models to ask, which a child keeps up; readiness tells how they stand."""
    follower = Follower(dsn, store.pool)
    await follower.prepare()
    context.readiness.add("follower", partial(follower_reasons, store.pool, context.clock))
    return follower


@contextlib.asynccontextmanager
async def _premiums(
    context: ServiceContext,
    store: PostgresStore,
    settings: Settings,
    postgres: EmbeddedPostgres | None,
) -> AsyncIterator[None]:
    """Connect the tax side, and take on what was left; on trial a stand-in answers for it.

    Never beside a database of the deployment's own: there a premium would look paid.
    """
    stand_in: TaxChild | None = None
    url = settings.tax_url
    if url is None and postgres is not None:
        stand_in = TaxChild(settings.data / "tax-stand-in.ndjson")
        stand_in.start()
        url = stand_in.url
        print(STAND_IN)
    if url is None:
        yield
        return
    context.tax = Tax(url)
    resolver = resolver_on(context, store.pool)
    resolver.start()
    try:
        yield
    finally:
        await resolver.close()
        if stand_in is not None:
            await stand_in.close()


async def _listen(
    api: Api, options: argparse.Namespace, postgres: EmbeddedPostgres | None, settings: Settings
) -> int:
    """Serve HTTP until told to stop, or until our database has died."""
    bounds = Bounds(connections=connections_at_most(settings.connections_max))
    server = _Server(
        uvicorn.Config(
            create_app(api, paths_of(options.fsi_paths)),
            host=options.host,
            port=options.port,
            http=bounded(bounds),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,  # its loggers write through ours
            log_level="warning",
            server_header=False,
            proxy_headers=settings.proxies is not None,
            forwarded_allow_ips=settings.proxies or "",
            timeout_graceful_shutdown=REQUESTS_S,
        )
    )
    server.stopping = api.stopping
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, server.stop)
    watch = asyncio.create_task(_watch(server, postgres))
    await server.serve()
    watch.cancel()
    if api.replays is not None:
        await api.replays.close()
    await asyncio.gather(watch, return_exceptions=True)
    if postgres is not None and postgres.poll() is not None:
        return _fail("the database has died; the next start recovers it")
    return 0


def _limits_of(settings: Settings) -> RateLimits:
    """The limits that a deployment chose, in misses or failures a minute."""
    return RateLimits(settings.person_misses, settings.caller_misses, settings.address_failures)


class _Server(uvicorn.Server):
    """uvicorn, told to stop by us, saying `ready` when it listens."""

    stopping: asyncio.Event

    def stop(self) -> None:
        """Finish what is under way, let open feeds end, and stop."""
        end_in_time()
        self.should_exit = True
        self.stopping.set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if not self.should_exit:
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"ready http://{self.config.host}:{port}", flush=True)

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn would raise them again after a clean stop."""
        yield


async def _watch(server: _Server, postgres: EmbeddedPostgres | None) -> None:
    while postgres is None or postgres.poll() is None:  # noqa: ASYNC110 -- a child sends no event
        await asyncio.sleep(WATCH_S)
    server.stop()


def _interrupt(_: int, __: FrameType | None) -> None:
    end_in_time()
    raise KeyboardInterrupt


def end_in_time(grace_s: float = GRACE_S) -> None:
    """End this process when its grace is over, if it has not ended by then.

    What is in flight is then as after kill -9: in the log or not, and its key tells which.
    """
    end = threading.Timer(grace_s, _end)
    end.daemon = True
    end.start()


def _end() -> None:
    print("gongji: not everything ended in time", file=sys.stderr, flush=True)
    os._exit(1)


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1
