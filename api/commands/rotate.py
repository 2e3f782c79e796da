"""`gongji rotate`: sign checkpoints with a new key from now on; the older ones stay listed."""

import sys

from api.commands.terminal import parser, settings_of
from service.proof.signing_keys import rotate
from service.vault import KeyFileError


def main(arguments: list[str]) -> int:
    """Add a new key to the key file; a running sealer uses it from its next checkpoint on."""
    command = parser("rotate", "Sign checkpoints with a new key from now on.")
    settings = settings_of(command.parse_args(arguments))
    try:
        rotate(settings.key_file)
    except (KeyFileError, OSError) as error:
        print(f"gongji: {error}", file=sys.stderr)
        return 1
    print("hand out the new key: ./gongji export --public-key")
    return 0
