"""`gongji policy check`: read every region's rules and say what is wrong."""

from api.commands.terminal import parser, settings_of
from service.regions.policy_book import check, load


def main(arguments: list[str]) -> int:
    """Check the files; 1 where anything is wrong."""
    made = parser("policy", "Read every region's rules and say what is wrong.")
    made.add_argument("action", choices=["check"])
    settings = settings_of(made.parse_args(arguments))
    problems = check(settings.regions)
    for problem in problems:
        print(problem.line())
    if problems:
        return 1
    book = load(settings.regions)
    for region in book.regions():
        for edition in book.editions(region):
            print(f"{region} {edition.region_name}: {edition.id}, evidence {edition.evidence}")
    return 0
