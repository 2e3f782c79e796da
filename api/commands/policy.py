"""`gongji policy check`: check the rules of every region."""

from api.commands.terminal import parser, settings_of
from service.regions.one_more import costs_of_one_more
from service.regions.policy_book import check, load


def main(arguments: list[str]) -> int:
    """Check the files; 1 if anything is wrong.

    A note names each key by which one more sponsor can mean more cash; it is no fault.
    """
    command = parser("policy", "Check the rules of every region.")
    command.add_argument("action", choices=["check"])
    settings = settings_of(command.parse_args(arguments))
    problems = check(settings.regions)
    for problem in problems:
        print(problem.line())
    if problems:
        return 1
    book = load(settings.regions)
    for region in book.regions():
        for edition in book.editions(region):
            print(f"{region} {edition.region_name}: {edition.id}, evidence {edition.evidence}")
            for key, what in costs_of_one_more(edition):
                print(f"  note: {key} {what}")
    return 0
