"""`gongji trace`: all events of a settlement, or a past state.

`gongji trace stl_…` prints each event in Chinese and English, with every decision made again.
`gongji trace WHAT --as-of POSITION or TIME` shows the state of a person number, an institution's
code or a binding then, with `--family` also that of a person's sponsors. Works beside a running
service and only reads.
"""

import argparse
import asyncio
import json
import sys
from typing import Any

from aggregates.vocabulary import StreamId
from api.audit.trace_text import story_lines
from api.commands.replay import moment
from api.commands.terminal import clock_beside, database, open_context, parser, settings_of
from service import RefusalError
from service.audit import as_of
from service.audit.trace import trace
from service.caller import Caller, Role
from service.context import ServiceContext
from service.settings import Settings

AUDITOR = Caller(Role.AUDITOR, "terminal", None, "auditor:terminal")


def main(arguments: list[str]) -> int:
    """Print it; 1 if there is no such thing, or if a decision differs."""
    command = parser("trace", "Print all events of a settlement, or a past state.")
    command.add_argument("what", help="a settlement, binding, person number or institution code")
    command.add_argument("--as-of", type=moment, metavar="POSITION or TIME")
    command.add_argument("--family", action="store_true", help="a person with all sponsors")
    command.add_argument("--json", action="store_true", help="the story as JSON")
    options = command.parse_args(arguments)
    settings = settings_of(options)
    with database(settings) as dsn:
        return asyncio.run(_main(settings, dsn, options))


async def _main(settings: Settings, dsn: str, options: argparse.Namespace) -> int:
    async with open_context(settings, dsn, await clock_beside(settings, dsn)) as context:
        try:
            answer = await _answer(context, options)
        except RefusalError as refusal:
            print(f"gongji: {refusal.code()}", file=sys.stderr)
            return 1
    if options.json or "events" not in answer:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        print("\n".join(story_lines(answer)))
    return 0 if answer.get("decided_again", True) else 1


async def _answer(context: ServiceContext, options: argparse.Namespace) -> dict[str, Any]:
    what: str = options.what
    if what.startswith("stl_"):
        return await trace(context, AUDITOR, StreamId(what))
    if what.startswith("bnd_"):
        return await as_of.binding_as_of(context, AUDITOR, StreamId(what), options.as_of)
    if options.family:
        return await as_of.family_as_of(context, AUDITOR, what, options.as_of)
    try:
        return await as_of.account_as_of(context, AUDITOR, what, options.as_of)
    except RefusalError:
        return await as_of.institution_as_of(context, AUDITOR, what, options.as_of)
