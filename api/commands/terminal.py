"""Options that commands share, and the service context that they work on."""

import argparse
import asyncio
import dataclasses
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from service.clock import Clock, business_clock, machine_now, of_micros
from service.context import ServiceContext, open_postgres
from service.embedded_postgres.server import EmbeddedPostgres, is_served, login_as, running
from service.ledger.head_cache import Limits
from service.ledger.migrate import migrate
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import WRITER
from service.ledger.store import Store
from service.proof.outside import Outside
from service.read_models.parking import cause_of
from service.runtime.clock_skew import check_skew
from service.settings import Settings

WIDTH = 40
CLOCK_YEARS = (1971, 2199)
"""The years of a business clock: ids count from 1970, and no term lasts beyond 2199."""
PORT_MAX = 65_535
CLOCK_FILE = "business-clock"
"""The file in the data directory with the offset of the last service's clock from the machine's."""


def show(done: int, of: int) -> None:
    """Draw the progress."""
    if sys.stderr.isatty():
        full = WIDTH * done // max(1, of)
        bar = "█" * full + "░" * (WIDTH - full)
        print(f"\r{bar} {100 * done // max(1, of):3d}%", end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Erase the progress."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def fail(why: str) -> int:
    """Print on standard error why a command failed; its exit status, 1."""
    print(f"gongji: {why}", file=sys.stderr)
    return 1


def ended(command: str, work: Callable[[], int]) -> int:
    """Run a command; its exit status.

    Any error is printed in one line with its class and place, without its message.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 -- a command ends with a verdict, not a traceback
        print(f"gongji: {command} could not end: {' '.join(cause_of(error))}", file=sys.stderr)
        return 1


def parser(command: str, description: str) -> argparse.ArgumentParser:
    """A command's parser, with the options that every command takes."""
    made = argparse.ArgumentParser(prog=f"gongji {command}", description=description)
    data_option(made)
    return made


def data_option(made: argparse.ArgumentParser) -> None:
    """Add the option of the data directory; a command with actions adds it to each of them."""
    made.add_argument("--data", type=Path, metavar="DIR", help="the data directory (.gongji)")


def clock_option(made: argparse.ArgumentParser, default: str | None) -> None:
    """Add the option that sets the business clock."""
    made.add_argument(
        "--clock",
        type=_moment,
        metavar="TIME",
        default=default,
        help="start the business clock here (embedded database only)",
    )


def port_option(made: argparse.ArgumentParser, default: str) -> None:
    """Add the options of host and port; port 0 is any free port."""
    made.add_argument("--port", type=_port, metavar="PORT", default=default)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        what = f"{text!r} is not a time in RFC 3339, such as 2026-03-02T10:00:00+08:00"
        raise argparse.ArgumentTypeError(what) from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs its offset, such as +08:00")
    if not CLOCK_YEARS[0] <= moment.year <= CLOCK_YEARS[1]:
        first, last = CLOCK_YEARS
        raise argparse.ArgumentTypeError(f"{text!r} is not in the years {first} to {last}")
    return moment


def _port(text: str) -> int:
    if re.fullmatch("[0-9]{1,5}", text) is None or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port between 0 and {PORT_MAX}")
    return int(text)


async def is_behind_log(store: Store, clock: Clock) -> bool:
    """Whether a clock is before the newest event; time must not run back."""
    return clock().at.timestamp() * 1_000_000 < await store.recorded_at()


def keep_clock(data: Path, clock: Clock | None) -> None:
    """Tell commands beside a service its clock; None if it is the machine's."""
    file = data / CLOCK_FILE
    if clock is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(f"{(clock().at - machine_now()).total_seconds():f}\n", encoding="ascii")


async def check_clock(dsn: str) -> None:
    """Check that the machine's clock agrees with the database's.

    Raises:
        ClockSkewError: it differs by more than a second.
    """
    connection = await connect(dsn, {"application_name": "gongji-clock"})
    try:
        await check_skew(connection)
    finally:
        await connection.close()


async def clock_beside(settings: Settings, dsn: str) -> Clock:
    """The clock of a command without `--clock`.

    It is the running service's. If none runs and the last one had its own clock, it starts at the
    newest time in the log, so that a later start with such a clock is not behind.
    """
    file = settings.data / CLOCK_FILE
    if settings.database_url is not None or not file.exists():
        return business_clock()
    if is_served(settings.data):
        ahead = timedelta(seconds=float(file.read_text(encoding="ascii")))
        return business_clock(machine_now() + ahead)
    connection = await connect(dsn, {"application_name": "gongji-clock"})
    newest_us: int = await connection.fetchval("SELECT recorded_at FROM log_head")
    await connection.close()
    return business_clock(of_micros(newest_us)) if newest_us else business_clock()


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of the environment; the command line overrides them."""
    settings = Settings.read()
    if options.data is None:
        return settings
    data: Path = options.data.resolve()
    kept = settings.data / "keys.json" != settings.key_file
    key_file = settings.key_file if kept else data / "keys.json"
    return dataclasses.replace(settings, data=data, key_file=key_file)


class Logins(NamedTuple):
    """One database by two DSNs: one may change the schema, the other is the service's."""

    migrator: str
    service: str

    @classmethod
    def given(cls, settings: Settings) -> "Logins | None":
        """The logins of the deployment's own database; None if it has none."""
        dsn = settings.database_url or settings.migrate_url
        return None if dsn is None else cls(settings.migrate_url or dsn, dsn)

    @classmethod
    def embedded(cls, superuser: str) -> "Logins":
        """The logins of an embedded server, from its superuser's DSN."""
        return cls(superuser, login_as(superuser, WRITER))


@contextmanager
def logins(settings: Settings) -> Iterator[Logins]:
    """The deployment's database, the running service's, or one that is started for this command.

    Raises:
        ClusterHeldError, ClusterStartError: no database can be had here.
    """
    given = Logins.given(settings)
    if given is not None:
        yield given
        return
    dsn = running(settings.data)
    if dsn is not None:
        yield Logins.embedded(dsn)
        return
    postgres = EmbeddedPostgres(settings.data)
    try:
        yield Logins.embedded(postgres.start())
    finally:
        postgres.stop()


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The service's DSN, after the schema is brought to this release.

    Raises:
        ClusterHeldError, ClusterStartError: no database can be had here;
        MigrationChangedError, RolesMissingError: it cannot have this release's schema.
    """
    with logins(settings) as found:
        asyncio.run(migrate(found.migrator))
        yield found.service


@asynccontextmanager
async def open_context(
    settings: Settings,
    dsn: str,
    clock: Clock,
    limits: Limits | None = None,
    outside: Outside | None = None,
) -> AsyncIterator[ServiceContext]:
    """A context on a migrated database, closed in order; a writer names the external checkpoint."""
    context = await open_postgres(settings, dsn, clock, limits, outside)
    try:
        yield context
    finally:
        await context.close()
