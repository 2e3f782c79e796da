"""`gongji policy`: check, show, compare and rehearse the rules of every area."""

import argparse
from collections.abc import Callable
from datetime import date

from api.commands import rehearse
from api.commands.terminal import data_option, settings_of
from service.clock import business_clock
from service.regions.one_more import costs_of_one_more
from service.regions.policy_book import load, renewals
from service.regions.policy_files import ReadFolder, read_folder
from service.regions.reading import NoRulesError, differences, readable


def main(arguments: list[str]) -> int:
    """Run a subcommand; 1 if a file is unsound or an area has no rules."""
    about = "Check, show, compare and rehearse the rules of every area."
    command = argparse.ArgumentParser(prog="gongji policy", description=about)
    actions = command.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="check every file, and list the editions")
    show = actions.add_parser("show", help="an area's edition, key by key, with layer and citation")
    show.add_argument("area", help="a code of six digits")
    diff = actions.add_parser("diff", help="the keys in which two areas differ")
    diff.add_argument("one")
    diff.add_argument("other")
    for action in (check, show, diff):
        action.add_argument(
            "--on", type=date.fromisoformat, help="a day, YYYY-MM-DD; today without"
        )
    for action in (check, show, diff):
        data_option(action)
    rehearse.add_to(actions)
    given = command.parse_args(arguments)
    if given.action == "rehearse":
        return rehearse.run(given)
    read = read_folder(settings_of(given).regions)
    for problem in read.problems:
        print(problem.line())
    if read.problems:
        return 1
    run: dict[str, Callable[[ReadFolder, argparse.Namespace], None]] = {
        "check": _check,
        "show": _show,
        "diff": _diff,
    }
    try:
        run[given.action](read, given)
    except NoRulesError as none:
        print(none)
        return 1
    return 0


def _check(read: ReadFolder, given: argparse.Namespace) -> None:
    book = load(settings_of(given).regions)
    for code in sorted(book.by_region):
        for edition in book.editions(code):
            print(f"{code} {edition.region_name}: {edition.id}, evidence {edition.evidence}")
            for key, what in costs_of_one_more(edition):
                print(f"  note: {key} {what}")
    for renewal in renewals(book, _day(given)):
        print(f"warning: {renewal.line()}")
    covered = len(book.covers)
    print(f"{len(read.files)} files, {covered} more areas covered by their province")


def _show(read: ReadFolder, given: argparse.Namespace) -> None:
    edition = readable(read, given.area, _day(given))
    print(f"{edition.area} {edition.name}")
    print(f"{edition.edition}, in force since {edition.effective_on}")
    section = ""
    for line in edition.keys:
        table, _, key = line.key.rpartition(".")
        if table != section:
            section = table
            print(f"\n[{section}]")
        print(f"{key} = {line.value}")
        print(f"    {line.layer}: {line.citation}")
    print("\nSources")
    for name in edition.sources():
        source = read.sources.get(name)
        if source is not None:
            print(f"{name}: {source.title}. {source.publisher}, {source.date}. {source.says}")


def _diff(read: ReadFolder, given: argparse.Namespace) -> None:
    one, other = (readable(read, code, _day(given)) for code in (given.one, given.other))
    print(f"- {one.area} {one.name}: {one.edition}")
    print(f"+ {other.area} {other.name}: {other.edition}")
    for difference in differences(one, other):
        print(f"\n{difference.key}")
        for sign, line in (("-", difference.one), ("+", difference.other)):
            said = "not stated" if line is None else f"{line.value}  {line.layer}  {line.citation}"
            print(f"{sign} {said}")


def _day(given: argparse.Namespace) -> date:
    day: date = given.on or business_clock()().on
    return day
