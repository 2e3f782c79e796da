"""`gongji fsi-check --institution CODE`: what an institution's client sends that is not sound.

Works beside a running service and only reads. The service writes what it finds within seconds.
"""

import argparse
import asyncio
import json
from datetime import datetime

from api.commands.terminal import database, parser, settings_of
from api.his.fsi_check import ALWAYS, check_of, lines_of, moment_of
from service.his.findings import FindingCount, findings_of
from service.ledger.postgres.connect import make_pool
from service.ledger.postgres.store import READER_SETTINGS

GOOD = ("sound", "tolerated")


def main(arguments: list[str]) -> int:
    """Print the check; 1 if something is misread, or no message was seen."""
    command = parser("fsi-check", "Tell what an institution's client sends that is not sound.")
    command.add_argument("--institution", required=True, metavar="CODE")
    command.add_argument("--since", type=_time, default=ALWAYS, metavar="TIME")
    command.add_argument("--json", action="store_true", help="as the HTTP answer")
    options = command.parse_args(arguments)
    with database(settings_of(options)) as dsn:
        rows = asyncio.run(_read(dsn, options.institution, options.since))
    check = check_of(options.institution, rows)
    text = json.dumps(check, ensure_ascii=False, indent=2)
    print(text if options.json else "\n".join(lines_of(check)))
    return 0 if check["verdict"] in GOOD else 1


async def _read(dsn: str, institution: str, since: datetime) -> list[FindingCount]:
    async with make_pool(dsn, READER_SETTINGS, 1) as pool:
        return await findings_of(pool, institution, since)


def _time(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time") from None
