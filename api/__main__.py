"""The commands of the start script: one file each, loaded when asked for."""

import importlib
import sys

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


def main(arguments: list[str]) -> int:
    """Run the command named first; its exit status."""
    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        print(f"gongji: {command} is not part of this release", file=sys.stderr)
        return 2
    module = importlib.import_module(f"api.commands.{COMMANDS[command]}")
    try:
        status: int = module.main(rest)
    except KeyboardInterrupt:
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
