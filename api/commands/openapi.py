"""`gongji openapi`: the OpenAPI document."""

import json

from api.app import plain_app
from api.commands.terminal import parser


def main(arguments: list[str]) -> int:
    """Print the document."""
    parser("openapi", "Print the OpenAPI document.").parse_args(arguments)
    print(json.dumps(plain_app().openapi(), ensure_ascii=False, indent=2))
    return 0
