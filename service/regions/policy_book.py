"""The policy book: reads the regions' files, and refuses unsound ones.

Each edition states every key. All faults of all files are reported at once, as a list that a
person who does not program can work through.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from aggregates.policy.edition import Edition, NoEditionInForceError, RefundDays, in_force
from service.regions.policy_checks import NOT_A_KEY, unsound

NONE_WORD = "none"
"""How a file states that an optional value is absent."""
LATER_KEYS = (("money", "credit_four_eyes_above_fen"),)
"""Optional keys newer than the first editions; leaving one out is the same as "none"."""

_TOML_NAMES = {"institution_class": "class", "from_": "from"}  # words that Python keeps for itself
_STRICT = ConfigDict(
    strict=True, extra="forbid", alias_generator=lambda name: _TOML_NAMES.get(name, name)
)
_ONE_EDITION = TypeAdapter(tuple[Edition], config=_STRICT)  # dataclasses inherit this config
EditionFault = tuple[str, str, str]
"""An edition's id, a key, and what is wrong with it."""


class PolicyProblem(NamedTuple):
    """A fault of a file; `edition` and `key` are empty if it concerns the whole file."""

    file: str
    edition: str
    key: str
    what: str

    def line(self) -> str:
        """The problem as one line for a terminal."""
        where = " ".join(part for part in (self.file, self.edition, self.key) if part)
        return f"{where}: {self.what}"


class PolicyFilesError(ValueError):
    """The regions' files are unsound; `problems` lists every fault."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(problem.line() for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Editions by region, oldest first."""

    by_region: Mapping[str, tuple[Edition, ...]]

    def regions(self) -> tuple[str, ...]:
        """The codes of all regions."""
        return tuple(sorted(self.by_region))

    def editions(self, region: str) -> tuple[Edition, ...]:
        """All editions of a region, oldest first; none for a region not in the book."""
        return self.by_region.get(region, ())

    def edition(self, region: str, on: date) -> Edition:
        """The edition in force on a Beijing day; NoEditionInForceError if there is none."""
        try:
            return in_force(self.editions(region), on)
        except NoEditionInForceError as refusal:
            raise NoEditionInForceError(f"region {region}: {refusal}") from None


def load(folder: Path) -> PolicyBook:
    """The book of all files of a folder; PolicyFilesError if a file is unsound."""
    files, problems = _read_folder(folder)
    if problems:
        raise PolicyFilesError(problems)
    return PolicyBook({editions[0].region: tuple(editions) for editions in files.values()})


def check(folder: Path) -> list[PolicyProblem]:
    """Every fault of the files of a folder; an empty list is a sound book."""
    return _read_folder(folder)[1]


def canonical(edition: Edition) -> bytes:
    """The canonical JSON of an edition: sorted keys, UTF-8, no spaces, the file's names."""
    (content,) = _ONE_EDITION.dump_python((edition,), mode="json", by_alias=True)
    for section, key in LATER_KEYS:
        if content[section][key] is None:  # as if left out: the text of old editions is unchanged
            del content[section][key]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def from_canonical(content: bytes) -> Edition:
    """The edition that `canonical` wrote."""
    return _ONE_EDITION.validate_json(b"[" + content + b"]")[0]


# ------------------------------------------------------------------------ reading


class _RegionFile(BaseModel):
    """The outer shape of a file; each edition is then read separately."""

    model_config = ConfigDict(strict=True, extra="forbid")
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    name: Annotated[str, Field(min_length=1)]
    edition: Annotated[list[dict[str, object]], Field(min_length=1)]


def _read_folder(folder: Path) -> tuple[dict[str, list[Edition]], list[PolicyProblem]]:
    files: dict[str, list[Edition]] = {}
    problems: list[PolicyProblem] = []
    for path in sorted(folder.glob("*.toml")):
        files[path.name], faults = _read_file(path)
        problems += [PolicyProblem(path.name, *fault) for fault in faults]
    if not files:
        problems.append(PolicyProblem(folder.name, "", "", "holds no region's file"))
    return files, problems + list(_used_twice(files))


def _read_file(path: Path) -> tuple[list[Edition], list[EditionFault]]:
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
        json.dumps(parsed, default=str)
        region = _RegionFile.model_validate(parsed)
    except ValidationError as error:
        return [], _faults_of(error, "", skip=0)
    except (ValueError, RecursionError) as error:  # not UTF-8 or TOML, or too long or too deep
        return [], [("", "", str(error))]
    editions: list[Edition] = []
    faults: list[EditionFault] = []
    for number, stated in enumerate(region.edition, start=1):
        name = str(stated.get("id", f"edition {number}"))
        try:
            editions.append(_edition_of(region, stated))
        except ValidationError as error:
            faults += _faults_of(error, name, skip=1)
        else:
            faults += [(name, key, what) for key, what in unsound(editions[-1])]
    if len(editions) == len(region.edition):
        faults += _wrong_dates(editions)
    return editions, faults


def _edition_of(region: _RegionFile, stated: dict[str, object]) -> Edition:
    """Read through JSON, where strict types still accept enum members and dates as text."""
    evidence_of = stated.get("evidence_of", {})
    if isinstance(evidence_of, dict):
        evidence_of = sorted(evidence_of.items())
    whose = {"region": region.code, "region_name": region.name}
    stray = {f"edition.{key}": stated[key] for key in whose if key in stated}  # unknown, so refused
    content = _without_none_word({**stated, **stray, "evidence_of": evidence_of, **whose})
    return _ONE_EDITION.validate_json(json.dumps([content], default=str))[0]


def _without_none_word(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_none_word(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_none_word(inner) for inner in value]
    return None if value == NONE_WORD else value


def _faults_of(error: ValidationError, edition: str, *, skip: int) -> list[EditionFault]:
    """Pydantic's errors in the file's words; one for each key and complaint."""
    details = error.errors(include_url=False)
    faults = [(edition, _key(detail["loc"][skip:]), _what(detail)) for detail in details]
    return list(dict.fromkeys(faults))


def _key(place: tuple[int | str, ...]) -> str:
    """The dotted key, without the type names that pydantic adds."""
    names = [str(part) for part in place]
    return ".".join(name for name in names if "[" not in name and name != RefundDays.__name__)


def _what(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "missing":
            return "is not stated"
        case "unexpected_keyword_argument" | "extra_forbidden":
            return NOT_A_KEY
        case _:
            given = NONE_WORD if detail["input"] is None else repr(detail["input"])
            return f"{detail['msg']}; the file says {given:.60}"


def _wrong_dates(editions: Sequence[Edition]) -> Iterator[EditionFault]:
    """Editions follow each other without overlap or gap; only the last may have an end."""
    for edition in editions:
        until = edition.effective_until
        if until is not None and until <= edition.effective_on:
            yield edition.id, "effective_until", "is not after effective_on"
    for earlier, later in pairwise(editions):
        begins, until = later.effective_on, earlier.effective_until
        if begins <= earlier.effective_on:
            yield later.id, "effective_on", f"is not after that of {earlier.id}"
        elif until is not None and until != begins:
            what = "leaves a gap before" if until < begins else "overlaps"
            yield earlier.id, "effective_until", f"{what} {later.id} on {begins}"


def _used_twice(files: Mapping[str, Sequence[Edition]]) -> Iterator[PolicyProblem]:
    """Edition ids and region codes that more than one file or edition uses."""
    ids: dict[str, str] = {}
    codes: dict[str, str] = {}
    for file, editions in files.items():
        for edition in editions:
            if edition.id in ids:
                yield PolicyProblem(file, edition.id, "id", f"is used already in {ids[edition.id]}")
            ids.setdefault(edition.id, file)
        for code in {edition.region for edition in editions}:
            if code in codes:
                yield PolicyProblem(file, "", "code", f"{code} is used already in {codes[code]}")
            codes.setdefault(code, file)
