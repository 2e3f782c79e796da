"""The facts that reading a message finds: what was tolerated or misread, without any value.

A kind is a row of `findings.toml`, or the code of a refusal. A place is a node and a field by
their names; a name that could hold something else is left out.
"""

import re
from collections.abc import Callable

Note = Callable[[str, str], None]
"""Takes a kind and a place."""
FOUND_MAX = 100
"""Facts of one message."""
NAME = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,2}")
"""Names that are kept: nobody's number and no sentence is one."""
OTHER = "?"


class Found:
    """The facts of one message, each once."""

    __slots__ = ("facts",)

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], None] = {}

    def note(self, kind: str, place: str) -> None:
        """Take down a fact."""
        if len(self.facts) < FOUND_MAX:
            self.facts[kind, place] = None


def unnoted(_: str, __: str) -> None:
    """Take down nothing."""


def safe_name(name: str) -> str:
    """A field's name as it may be kept."""
    return name if NAME.fullmatch(name) else OTHER


def place_of(node: str, name: str) -> str:
    """A place of a field as it may be kept."""
    return f"{node}.{safe_name(name)}"
