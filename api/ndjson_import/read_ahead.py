"""Import lines read ahead by a child: split, checked and digested on another core.

The child is forked before anything is open. It ends with the file, or when the parent closes
the pipe.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aggregates.vocabulary import Instant
from api.http.problems import ProblemError, problem_of
from api.ndjson_import.lines import read_line
from service.account.accounts import OpenAccount, open_sealed, seal_person
from service.clock import Clock, business_clock
from service.command_batch import QueuedUseCase
from service.vault import Vault

TOGETHER = 1024
"""The number of lines that are sent together."""


class ParsedLine(NamedTuple):
    """A parsed line: its type and its request, or the reason why it is bad."""

    number: int
    kind: str
    item: QueuedUseCase | None
    why: str = ""


class Window(NamedTuple):
    """Consecutive lines, and how many bytes of the file they take."""

    size: int
    lines: list[ParsedLine]


@contextmanager
def reading(path: Path, vault: Vault) -> Iterator[Connection]:
    """The queue of a file's windows; None after the last."""
    forking = multiprocessing.get_context("fork")
    here, there = forking.Pipe(duplex=False)
    child = forking.Process(target=_read, args=(path, vault, here, there), daemon=True)
    child.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        child.join()


def _read(path: Path, vault: Vault, here: Connection, there: Connection) -> None:
    clock = business_clock()
    here.close()  # so that writing fails when the parent has ended
    with suppress(BrokenPipeError, KeyboardInterrupt), path.open("rb") as file:
        numbered = enumerate(file, 1)
        while together := list(islice(numbered, TOGETHER)):
            lines = [_line(vault, clock, number, raw) for number, raw in together if raw.strip()]
            there.send(Window(sum(len(raw) for _, raw in together), lines))
        there.send(None)


def _line(vault: Vault, clock: Clock, number: int, raw: bytes) -> ParsedLine:
    try:
        kind, item = read_line(raw, clock().on)
    except (ProblemError, ValidationError) as error:
        return ParsedLine(number, "bad", None, reason_of(error))
    return ParsedLine(number, kind, _sealed(vault, clock(), item))


def _sealed(vault: Vault, now: Instant, item: QueuedUseCase) -> QueuedUseCase:
    """Seal a new person here: that is half of the work of opening an account."""
    opening = item.arguments[0]
    if not isinstance(opening, OpenAccount):
        return item
    return QueuedUseCase(open_sealed, item.request, (seal_person(vault, opening, now),))


def reason_of(error: Exception) -> str:
    """Why a line is bad: the HTTP problem's code, and the first member concerned."""
    code, _, fields = problem_of(error)
    named = fields.get("errors")
    first = named[0] if isinstance(named, list) and named else None
    return code if first is None else f"{code} {first['field']}".rstrip()
