"""The commands of the start script: one file each, loaded when asked for.

A reader that stops, as `head` does, raises no error in a command. A command of `PRINTING` ends at
once: nobody wants the rest. Every other one goes on in silence to its end, so that what it writes
does not depend on who reads its words, and its status is its own.
"""

import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from typing_extensions import override

if TYPE_CHECKING:
    from typing_extensions import Buffer

COMMANDS = {
    "run": "run",
    "token": "token",
    "import": "import_file",
    "export": "export",
    "verify": "verify",
    "witness": "witness",
    "rotate": "rotate",
    "rebuild": "rebuild",
    "close-year": "close_year",
    "rewrap": "rewrap",
    "accesses": "accesses",
    "fsi-check": "fsi_check",
    "replay": "replay",
    "trace": "trace",
    "follow": "follow",
    "migrate": "migrate",
    "policy": "policy",
    "openapi": "openapi",
}
PRINTING = frozenset({"export", "verify", "fsi-check", "replay", "trace", "policy", "openapi"})
"""Commands that change no ledger: their work is what they print."""
READER_GONE = 141
"""The status of a command that ends because its reader did.

A shell gives it to a program that SIGPIPE ends (128 + 13). Python's own example ends with 1, which
here is a verdict: of `replay` that something differs. SIGPIPE itself would end a command without
stopping its database, and would come for sockets too.
"""


class StandardOutput(io.FileIO):
    """A standard output that bears the end of its reader; the rest goes to the null device."""

    def __init__(self, number: int, *, ends: bool) -> None:
        """`number` is the file descriptor; with `ends` the command ends with its reader."""
        super().__init__(number, "wb", closefd=False)
        self._ends = ends

    @override
    def write(self, data: "Buffer", /) -> int:
        """Write bytes.

        Raises:
            SystemExit: READER_GONE, once, if the command is to end.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        if self._ends:
            raise SystemExit(READER_GONE)
        return memoryview(data).nbytes


def bearing(stream: TextIO, *, ends: bool) -> TextIO:
    """The same standard output on an `StandardOutput`; one without a buffer keeps no line back."""
    is_prompt = stream.line_buffering or getattr(stream, "write_through", False)
    return io.TextIOWrapper(
        io.BufferedWriter(StandardOutput(stream.fileno(), ends=ends)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=bool(is_prompt),
    )


def main(arguments: list[str]) -> int:
    """Run the command named first; its exit status."""
    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        print(f"gongji: {command} is not part of this release", file=sys.stderr)
        return 2
    if sys.stdout is not None:
        sys.stdout = bearing(sys.stdout, ends=command in PRINTING)
    if sys.stderr is not None:
        sys.stderr = bearing(sys.stderr, ends=False)
    module = importlib.import_module(f"api.commands.{COMMANDS[command]}")
    try:
        status: int = module.main(rest)
    except KeyboardInterrupt:
        return 0
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
