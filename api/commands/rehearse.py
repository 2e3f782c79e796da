"""`gongji policy rehearse DRAFT.toml`: decide the recorded log again under a draft.

Works beside a running service and changes nothing. The draft is the whole file of a region, read
over the other files of the folder; `-` reads it from the standard input. The report goes to the
standard output, and with `--picture FILE` its picture to a file. Ends with 0, also where the draft
changes something; with 1 where the draft is unsound.
"""

import argparse
import asyncio
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import to_json

from api.commands.replay import as_json, on_terminal
from api.commands.terminal import data_option, database, settings_of
from service.regions.policy_book import PolicyFilesError
from service.rehearsal.report import lines_of
from service.rehearsal.run import RehearsalRequest, rehearse
from service.runtime.gc_tuning import settle_in
from service.vault import load_keys

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- unnamed there

NICE = 10
"""The nice value of a rehearsal that the service starts."""


def add_to(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the arguments of `rehearse` to those of `policy`."""
    command = subparsers.add_parser("rehearse", help="decide the recorded log under a draft")
    command.add_argument("draft", metavar="DRAFT.toml", help="a region's file, or - for input")
    for option, name, about in (
        ("--from", "from_on", "the first day that is decided again, YYYY-MM-DD"),
        ("--to", "to_on", "the last day"),
    ):
        command.add_argument(option, dest=name, type=date.fromisoformat, metavar="DAY", help=about)
    command.add_argument("--region", metavar="AREA", help="count only this area's patients")
    command.add_argument("--picture", metavar="FILE.svg", help="where the picture is written")
    command.add_argument(
        "--json", action="store_true", help="print progress and report as lines of JSON"
    )
    data_option(command)
    return command


def run(args: argparse.Namespace) -> int:
    """Rehearse, and print the report."""
    settings = settings_of(args)
    text = sys.stdin.read() if args.draft == "-" else Path(args.draft).read_text(encoding="utf-8")
    request = RehearsalRequest(text, args.from_on, args.to_on, args.region)
    if args.json:
        os.nice(NICE)
    settle_in()
    vault = load_keys(settings.key_file)
    progress = as_json if args.json else on_terminal
    try:
        with database(settings) as dsn:
            report = asyncio.run(rehearse(dsn, vault, settings.regions, request, progress))
    except PolicyFilesError as error:
        problems = [problem.line() for problem in error.problems]
        print(to_json({"problems": problems}).decode() if args.json else "\n".join(problems))
        return 1
    if args.picture:
        Path(args.picture).write_text(report["picture"], encoding="utf-8")
    print(to_json({"report": report}).decode() if args.json else "\n".join(lines_of(report)))
    return 0
