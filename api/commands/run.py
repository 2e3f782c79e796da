"""`gongji run`: the service in the foreground, on its own PostgreSQL or a given one."""

import argparse
import asyncio
import os
import signal
from functools import partial
from types import FrameType

import asyncpg
import uvloop

from api.app import create_app
from api.commands.opening import ClockBehindError, opened
from api.commands.terminal import Logins, clock_option, fail, parser, port_option, settings_of
from api.demo.run import tell_a_day
from api.his.gateway import paths_of
from api.http.dependencies import Api
from api.http.issuers.key_sets import fetched
from api.http.issuers.terms import IssuersFileError, issuers_of
from api.http.limits.rate_limits import RateLimits
from api.http.metrics import count_shadow
from api.http.tokens import TokenKeysError, Tokens, issuer_path, make_issuer
from api.processes.child_processes import FollowingChild
from api.processes.replay_jobs import Ledger, Rehearsals, Replays
from api.processes.tax_side import connected_tax_side
from api.server import end_in_time, serve, server_of
from service.adapters.credential_verifier import CredentialVerifier
from service.adapters.fsi_centre import CentreSettingError, centres_of
from service.adapters.identity_verifier import IdentityVerifier
from service.adapters.kinship_registry import Registry
from service.context import ServiceContext
from service.embedded_postgres.cluster import ClusterStartError
from service.embedded_postgres.server import ClusterHeldError, EmbeddedPostgres
from service.ledger.migrate import MigrationChangedError, migrate
from service.ledger.postgres.roles import RolesMissingError
from service.ledger.postgres.store import PostgresStore
from service.ledger.store import StoreUnavailableError
from service.policy import EditionEditedError, publish
from service.proof.access_log_head import AccessesBrokenError
from service.proof.fork import ForkRefusedError
from service.proof.outside import UNSAFE, outside_of, watched
from service.proof.sealer import LogShortenedError
from service.proof.tree import LogBrokenError
from service.read_models.follower import Follower
from service.read_models.lag import follower_reasons
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyFilesError
from service.rehearsal.shadow import shadowed
from service.runtime.clock_skew import ClockSkewError
from service.runtime.gc_tuning import settle_in
from service.runtime.logs import set_up_logging, take_off_detail
from service.settings import Settings
from service.vault import KeyFileError

STOPS = (
    *UNSAFE,
    AccessesBrokenError,
    CentreSettingError,
    ClockBehindError,
    ClockSkewError,
    ClusterHeldError,
    ClusterStartError,
    EditionEditedError,
    ForkRefusedError,
    IssuersFileError,
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
"""What an operator must mend; printed as one line, without a trace."""


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status."""
    options = _options(arguments)
    settings = settings_of(options)
    set_up_logging()
    signal.signal(signal.SIGTERM, _interrupt)  # until the server listens for it
    postgres: EmbeddedPostgres | None = None
    try:
        logins = Logins.given(settings)
        if logins is None:
            postgres = EmbeddedPostgres(settings.data)
            logins = Logins.embedded(postgres.start())
        elif options.clock is not None:
            return fail("--clock needs the embedded database")
        asyncio.run(migrate(logins.migrator))
        return uvloop.run(_run(options, settings, logins.service, postgres))
    except STOPS as error:
        take_off_detail(error)
        return fail(str(error) or type(error).__name__)
    finally:
        if postgres is not None:
            postgres.stop()


def _options(arguments: list[str]) -> argparse.Namespace:
    options = parser("run", "Start the service in the foreground.")
    environment = os.environ
    options.add_argument("--host", default=environment.get("GONGJI_HOST", "127.0.0.1"))
    port_option(options, environment.get("GONGJI_PORT", "8000"))
    options.add_argument(
        "--no-demo", action="store_true", default=environment.get("GONGJI_NO_DEMO") == "1"
    )
    clock_option(options, environment.get("GONGJI_CLOCK"))
    options.add_argument(
        "--accept-fork",
        metavar="TEXT",
        help="go on although another history was signed: why, for the record; a new key signs",
    )
    options.add_argument(
        "--fsi-paths",
        metavar="PATHS",
        default=environment.get("GONGJI_FSI_PATHS"),
        help="where the national protocol is spoken, comma separated",
    )
    return options.parse_args(arguments)


async def _run(
    options: argparse.Namespace, settings: Settings, dsn: str, postgres: EmbeddedPostgres | None
) -> int:
    outside = outside_of(settings)
    async with opened(settings, dsn, outside, options.clock, options.accept_fork) as context:
        store = context.store
        assert isinstance(store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        _connect_registers(context, settings)
        make_issuer(issuer_path(settings.data))
        await publish(context)
        follower = Follower(dsn, store.pool)
        await follower.prepare()
        context.readiness.add("follower", partial(follower_reasons, store.pool, context.clock))
        child = FollowingChild(dsn, settings)
        context.appender.on_landed = child.wake
        child.start()
        try:
            if not options.no_demo:
                await tell_a_day(context)
            settle_in()
            api = _api_of(context, ReadModels(store.pool, follower), dsn, settings)
            is_on_trial = postgres is not None
            issuers = issuers_of(settings.token_issuers) if settings.token_issuers else ()
            async with (
                fetched(issuers, settings.data),
                watched(outside, store.pool),
                shadowed(context, dsn, settings.data, count_shadow),
                connected_tax_side(context, store, settings, is_on_trial=is_on_trial),
            ):
                api.tokens.also_of(issuers, settings.data)
                return await _serve(api, options, postgres, settings)
        finally:
            await child.close()


def _connect_registers(context: ServiceContext, settings: Settings) -> None:
    """Connect the registers, the verifiers and the centres, where a setting names them.

    Raises:
        CentreSettingError: as `centres_of`.
    """
    context.centres = centres_of(settings.fsi_centre_url, settings.fsi_centre_keys_file)
    if settings.kinship_url is not None:
        context.registry = Registry(settings.kinship_url)
    if settings.identity_url is not None:
        context.proofs = IdentityVerifier(settings.identity_url)
    if settings.credential_url is not None:
        context.tokens = CredentialVerifier(
            settings.credential_url,
            cache_s=settings.credential_cache_s,
            outage=settings.credential_outage,
        )


def _api_of(context: ServiceContext, read_models: ReadModels, dsn: str, settings: Settings) -> Api:
    """What the routes work with: tokens, replays and limits as the settings say."""
    tokens = Tokens(settings.token_keys or issuer_path(settings.data), context.vault)
    context.readiness.add("token keys", tokens.reasons)
    ledger = Ledger(dsn, settings, context.clock, read_models.pool)
    limits = RateLimits(settings.person_misses, settings.caller_misses, settings.address_failures)
    works = (Replays(ledger), Rehearsals(ledger))
    return Api(context, tokens, read_models, *works, limits)


async def _serve(
    api: Api, options: argparse.Namespace, postgres: EmbeddedPostgres | None, settings: Settings
) -> int:
    app = create_app(api, paths_of(options.fsi_paths))
    server = server_of(app, settings, (options.host, options.port))
    await serve(server, api.stopping, postgres)
    await api.findings.close()
    for work in (api.replays, api.rehearsals):
        if work is not None:
            await work.close()
    if postgres is not None and postgres.poll() is not None:
        return fail("the database has died; the next start recovers it")
    return 0


def _interrupt(_: int, __: FrameType | None) -> None:
    end_in_time()
    raise KeyboardInterrupt
