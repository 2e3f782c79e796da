"""A reader that stops ends a command that only reads, and changes nothing of one that writes."""

import sys

from api.__main__ import COMMANDS, PRINTING, READER_GONE
from tests.api.programs import command, unread


def test_a_command_that_prints_ends_quietly() -> None:
    """Its status is that of a program which SIGPIPE ended."""
    assert (READER_GONE, "") == unread(command("policy", "check"))


def test_nobody_reads_either_output() -> None:
    """A refusal that cannot be told keeps its status."""
    told = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:], stderr=sys.stdout))"
    words = command("token", "--role", "person")

    assert (2, "") == unread([sys.executable, "-c", told, *words])


def test_the_commands_that_print_are_commands() -> None:
    """One that is not among them goes on, which loses nothing."""
    assert set(COMMANDS) > PRINTING
    assert not PRINTING & {"run", "import", "rebuild", "close-year", "rewrap", "rotate", "migrate"}
