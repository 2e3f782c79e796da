"""A draft of a region's file: read over the other files, and laid over the published editions.

The last edition of the file that was never published is the draft: it governs the whole range,
whatever day it begins on. An edition that was published and says something else now governs its
own days. A file that changes nothing is the identity draft.
"""

import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from aggregates.policy.edition import Edition
from aggregates.policy.rulebook import Rulebook
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import PolicyBook, PolicyFilesError, load
from service.regions.policy_files import PolicyProblem

FIRST_DAY = date(1900, 1, 1)
"""A draft begins here where the range has no first day."""
DRAFT_FILE = "draft.toml"


class Draft:
    """The editions of a draft, for its own area and every area that inherits from it."""

    def __init__(
        self,
        code: str,
        books: tuple[PolicyBook, PolicyBook],
        published: Mapping[str, set[str]],
    ) -> None:
        """Take the book without and with the draft; `published` are the log's ids by area."""
        self.code = code
        self._without, self._book = books
        self._published = published

    def editions_of(self, region: str) -> tuple[Edition, ...]:
        """What the files say for an area, with the draft in the place of its file."""
        return self._book.editions(region)

    def ids(self) -> list[str]:
        """The editions of the draft's own file."""
        return [edition.id for edition in self.editions_of(self.code)]

    def over(self, rulebook: Rulebook, begins_on: date) -> Rulebook:
        """A published rulebook with the draft laid over it from a day on."""
        drafted = self.editions_of(rulebook.region)
        is_own = rulebook.region == self.code
        if not is_own and drafted == self._without.editions(rulebook.region):
            return rulebook
        said = {edition.id: canonical(edition).decode() for edition in drafted}
        known = self._published.get(rulebook.region, set())
        editions = [(name, said.get(name, content)) for name, content in rulebook.editions]
        new = [edition for edition in drafted if edition.id not in known]
        if not new:
            return replace(rulebook, editions=tuple(editions))
        draft = replace(new[-1], effective_on=begins_on, effective_until=None)
        earlier = [
            (name, content)
            for name, content in editions
            if from_canonical(content.encode()).effective_on < begins_on
        ]
        pulled = (draft.id, canonical(draft).decode())
        return replace(rulebook, editions=(*earlier, pulled))


def read_draft(folder: Path, text: str, published: Mapping[str, set[str]]) -> Draft:
    """A draft from the text of its file, in the place of the folder's file of the same code.

    Raises:
        PolicyFilesError: the draft, or what inherits from it, is unsound.
    """
    code = _code_of(text, DRAFT_FILE)
    with tempfile.TemporaryDirectory() as place:
        for path in folder.glob("*.toml"):
            if _code_of(path.read_text(encoding="utf-8"), path.name) != code:
                shutil.copy(path, place)
        (Path(place) / DRAFT_FILE).write_text(text, encoding="utf-8")
        return Draft(code, (load(folder), load(Path(place))), published)


def _code_of(text: str, name: str) -> str:
    """The area of a region's file; empty for the tables of areas and sources."""
    try:
        return str(tomllib.loads(text).get("code", ""))
    except tomllib.TOMLDecodeError as error:
        raise PolicyFilesError([PolicyProblem(name, "", "", str(error))]) from error
