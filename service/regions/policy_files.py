"""Read the regions' files: layers, editions and citations, with every fault of all of them.

A folder holds a file for each region, `sources.toml` with what the citations cite, and, in the
shipped folder, the table of areas.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from aggregates.policy.edition import Edition, RefundDays
from service.regions.areas import AREAS_FILE, Areas, province_of, shipped_areas
from service.regions.canonical import ONE_EDITION
from service.regions.citations import (
    SOURCES_FILE,
    Source,
    SourcesError,
    bad_citations,
    read_sources,
)
from service.regions.layers import FlatEdition, LayerFault, flatten
from service.regions.policy_checks import NOT_A_KEY, unsound

NONE_WORD = "none"
"""How a file states that an optional value is absent, or that it covers nobody."""

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


class RegionFile(BaseModel):
    """A file as it is written; each edition is read separately, over what it inherits."""

    model_config = ConfigDict(strict=True, extra="forbid")
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    name: Annotated[str, Field(min_length=1)]
    inherits: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    covers: Literal["all", "none"] | list[str] | None = None
    edition: Annotated[list[dict[str, object]], Field(min_length=1)]


@dataclass(slots=True)
class ReadFile:
    """A file with its flat editions, as tables and as read."""

    path: Path
    stated: RegionFile
    flat: list[FlatEdition] = field(default_factory=list)
    editions: list[Edition] = field(default_factory=list)
    faults: list[EditionFault] = field(default_factory=list)
    is_laid: bool = False


@dataclass(slots=True)
class ReadFolder:
    """What a folder holds: files by code, sources by id, and every problem."""

    files: dict[str, ReadFile] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    problems: list[PolicyProblem] = field(default_factory=list)

    def by_region(self) -> dict[str, tuple[Edition, ...]]:
        """The editions by the code of their file; a file that covers nobody is left out."""
        return {
            code: tuple(file.editions)
            for code, file in self.files.items()
            if file.stated.covers != NONE_WORD
        }

    def covers(self) -> dict[str, str]:
        """The code of the file that speaks for an area, for areas without a file."""
        return {
            area: code
            for code, file in self.files.items()
            for area in covered(file.stated, shipped_areas())
            if area not in self.files
        }


def read_folder(folder: Path) -> ReadFolder:
    """Everything of a folder, and every fault."""
    read = ReadFolder()
    try:
        read.sources = read_sources(folder / SOURCES_FILE)
    except SourcesError as error:
        read.problems.append(PolicyProblem(SOURCES_FILE, "", "", str(error)))
    paths = [p for p in sorted(folder.glob("*.toml")) if p.name not in (AREAS_FILE, SOURCES_FILE)]
    every: list[ReadFile] = []
    for path in paths:
        file, faults = _read_file(path)
        read.problems += [PolicyProblem(path.name, *fault) for fault in faults]
        if file is not None:
            every.append(file)
            read.files.setdefault(file.stated.code, file)
    if not paths:
        read.problems.append(PolicyProblem(folder.name, "", "", "holds no region's file"))
    for file in every:
        _lay(read, file, ())
        _check_coverage(file)
        file.faults += bad_citations(file.stated.edition, read.sources, inherits=_inherits(file))
        read.problems += [PolicyProblem(file.path.name, *fault) for fault in file.faults]
    read.problems += _used_twice([file for file in every if file.editions])
    return read


def covered(stated: RegionFile, areas: Areas) -> tuple[str, ...]:
    """The areas that a file speaks for beside its own code."""
    if isinstance(stated.covers, list):
        return tuple(stated.covers)
    return areas.of_province(stated.code) if stated.covers == "all" else ()


def _inherits(file: ReadFile) -> bool:
    return file.stated.inherits is not None or file.stated.covers == NONE_WORD


def _read_file(path: Path) -> tuple[ReadFile | None, list[EditionFault]]:
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
        json.dumps(parsed, default=str)
        return ReadFile(path, RegionFile.model_validate(parsed)), []
    except ValidationError as error:
        return None, _faults_of(error, "", skip=0)
    except (ValueError, RecursionError) as error:  # not UTF-8 or TOML, or too long or too deep
        return None, [("", "", str(error))]


def _lay(read: ReadFolder, file: ReadFile, above: tuple[str, ...]) -> None:
    """Lay a file over the one it inherits from, and read its flat editions, once."""
    if file.is_laid:
        return
    file.is_laid = True
    below: list[FlatEdition] = []
    inherits = file.stated.inherits
    if inherits is not None:
        parent = read.files.get(inherits)
        if parent is None or inherits in (*above, file.stated.code):
            what = "has no file here" if parent is None else "inherits from this file again"
            file.faults.append(("", "inherits", f"{inherits} {what}"))
            return
        _lay(read, parent, (*above, file.stated.code))
        if parent.faults:
            file.faults.append(("", "inherits", f"{inherits} is unsound"))
            return
        below = parent.flat
    try:
        file.flat = flatten(inherits, file.stated.edition, below)
    except LayerFault as fault:
        file.faults.append((fault.edition, "effective_on", str(fault)))
        return
    _read_editions(file)


def _read_editions(file: ReadFile) -> None:
    for number, flat in enumerate(file.flat, start=1):
        name = str(flat.content.get("id", f"edition {number}"))
        try:
            file.editions.append(_edition_of(file.stated, flat.content))
        except ValidationError as error:
            file.faults += _faults_of(error, name, skip=1)
        else:
            file.faults += [(name, key, what) for key, what in unsound(file.editions[-1])]
    if len(file.editions) == len(file.flat):
        file.faults += _wrong_dates(file.editions)


def _check_coverage(file: ReadFile) -> None:
    """A file covers pooling areas of its own province."""
    code, covers = file.stated.code, file.stated.covers
    if covers == "all" and code != province_of(code):
        file.faults.append(("", "covers", "only a province covers all its areas"))
    if isinstance(covers, list):
        inside = shipped_areas().of_province(province_of(code))
        for number, area in enumerate(covers):
            if area not in inside:
                file.faults.append(("", f"covers.{number}", f"{area} is no area of {code}"))


def _edition_of(region: RegionFile, stated: Mapping[str, Any]) -> Edition:
    """Read through JSON, where strict types still accept enum members and dates as text."""
    evidence_of = stated.get("evidence_of", {})
    if isinstance(evidence_of, dict):
        evidence_of = sorted(evidence_of.items())
    whose = {"region": region.code, "region_name": region.name}
    stray = {f"edition.{key}": stated[key] for key in whose if key in stated}  # unknown, so refused
    content = _without_none_word({**stated, **stray, "evidence_of": evidence_of, **whose})
    return ONE_EDITION.validate_json(json.dumps([content], default=str))[0]


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


def _used_twice(files: Sequence[ReadFile]) -> Iterator[PolicyProblem]:
    """Region codes and edition ids that more than one file or edition uses."""
    codes: dict[str, str] = {}
    ids: dict[str, str] = {}
    for file in files:
        code, path = file.stated.code, file.path.name
        if code in codes:
            yield PolicyProblem(path, "", "code", f"{code} is used already in {codes[code]}")
        codes.setdefault(code, path)
        for stated in file.stated.edition:
            name = str(stated.get("id", ""))
            if name in ids:
                yield PolicyProblem(path, name, "id", f"is used already in {ids[name]}")
            ids.setdefault(name, path)
