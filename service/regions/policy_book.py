"""The policy book: every region's editions, from sound files only."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from aggregates.policy.edition import Edition, NoEditionInForceError, in_force
from service.regions.areas import Areas, province_of, shipped_areas
from service.regions.layers import OVER
from service.regions.policy_checks import outdated
from service.regions.policy_files import PolicyProblem, read_folder


class PolicyFilesError(ValueError):
    """The regions' files are unsound; `problems` lists every fault."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(problem.line() for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Editions by region, oldest first, and the areas that a file covers beside its own.

    `covers` maps an area to the code of the file that speaks for it.
    """

    by_region: Mapping[str, tuple[Edition, ...]]
    covers: Mapping[str, str] = field(default_factory=dict)
    areas: Areas = field(default_factory=shipped_areas)

    def regions(self) -> tuple[str, ...]:
        """The codes of all regions that the files state or cover."""
        return tuple(sorted({*self.by_region, *self.covers}))

    def editions(self, region: str) -> tuple[Edition, ...]:
        """All editions of a region, oldest first; none for a region not in the book.

        A covered area has its province's layered editions, in its own name.
        """
        stated = self.by_region.get(region)
        if stated is None and region in self.covers:
            name = self.areas.names.get(region, region)
            return tuple(
                replace(edition, region=region, region_name=name)
                for edition in self.by_region[self.covers[region]]
                if OVER in edition.id
            )
        return stated or ()

    def is_layered(self, region: str) -> bool:
        """Whether every edition of a region is laid over another file's."""
        return all(OVER in edition.id for edition in self.editions(region))

    def edition(self, region: str, on: date) -> Edition:
        """The edition in force on a Beijing day; NoEditionInForceError if there is none."""
        try:
            return in_force(self.editions(region), on)
        except NoEditionInForceError as refusal:
            raise NoEditionInForceError(f"region {region}: {refusal}") from None

    def pooling_area(self, code: str) -> str:
        """The pooling area of a code; a code with a file of its own is one."""
        return code if code in self.by_region else self.areas.pooling_area(code)

    def nearest(self, area: str) -> str | None:
        """The code of a file of the same province, the province's first; None if none is."""
        near = (code for code in self.by_region if province_of(code) == province_of(area))
        return min(near, default=None)


def load(folder: Path) -> PolicyBook:
    """The book of all files of a folder; PolicyFilesError if a file is unsound."""
    read = read_folder(folder)
    if read.problems:
        raise PolicyFilesError(read.problems)
    return PolicyBook(read.by_region(), read.covers())


def check(folder: Path) -> list[PolicyProblem]:
    """Every fault of the files of a folder; an empty list is a sound book."""
    return read_folder(folder).problems


def renewals(book: PolicyBook, on: date) -> list[PolicyProblem]:
    """What the editions in force on a day should be renewed for; the book is sound all the same."""
    found: list[PolicyProblem] = []
    for region in sorted(book.by_region):
        with suppress(NoEditionInForceError):
            edition = book.edition(region, on)
            found += [PolicyProblem(region, edition.id, *what) for what in outdated(edition, on)]
    return found
