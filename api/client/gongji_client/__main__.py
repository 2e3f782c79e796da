"""`gongji-client`: settle and quote claims, invite, and read a statement on a terminal.

Exit status 0: done; 1: surely nothing changed; 2: the command is wrong; 3: the outcome is not
known, and the same command with the printed `--key` finds out.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from gongji_client import shapes
from gongji_client.clients import Client
from gongji_client.errors import GongjiError, Unknown

SHOWN = {
    "settle": ("settlement_id", "status", "own", "aid", "cash", "settled_at"),
    "quote": ("own", "aid", "cash", "expires_at", "plan_hash"),
    "invite": ("binding_id", "status", "beneficiary", "relation", "valid_until"),
    "statement": ("recorded_at", "kind", "amount", "balance_after", "text"),
}
"""Members that people are shown; `--json` shows all."""


def main(
    arguments: Sequence[str] | None = None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run a command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        token = options.token_file.read_text(encoding="utf-8").strip()
        body = _body_of(options)
    except (OSError, ValueError) as error:
        print(f"gongji-client: {error}", file=sys.stderr)
        return 2
    with Client(
        options.url, token, language=options.language, transport=transport, sleep=sleep
    ) as client:
        try:
            for answer in _answers(client, options, body):
                print(_line(options, answer), flush=True)
        except GongjiError as error:
            _tell(options, error)
            return 3 if isinstance(error, Unknown) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    connection = argparse.ArgumentParser(add_help=False)
    connection.add_argument("--url", required=True, help="address of the service")
    connection.add_argument("--token-file", required=True, type=Path, help="file with the token")
    connection.add_argument("--json", action="store_true", help="print whole answers, one a line")
    connection.add_argument("--language", default="en", help="of messages: en or zh-CN")
    parser = argparse.ArgumentParser("gongji-client", description="Ask a Gongji service.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("settle", "settle a claim"), ("quote", "say what settling would do")):
        command = commands.add_parser(name, parents=[connection], help=purpose)
        command.add_argument("claim", help="JSON file with the claim; - is standard input")
    invite = commands.add_parser("invite", parents=[connection], help="offer to pay for somebody")
    invite.add_argument("beneficiary", help="person number")
    invite.add_argument("--relation", required=True, help="what the beneficiary is to you")
    invite.add_argument("--document", help="reference of a document that shows the relation")
    statement = commands.add_parser("statement", parents=[connection], help="list movements")
    statement.add_argument("person_no", help="person number")
    for command in (commands.choices["settle"], invite):
        command.add_argument("--key", help="of an earlier attempt; otherwise a new one is made")
    return parser


def _body_of(options: argparse.Namespace) -> Any:  # noqa: ANN401 -- JSON
    if "claim" not in options:
        return None
    is_piped = options.claim == "-"
    return json.loads(sys.stdin.read() if is_piped else Path(options.claim).read_text("utf-8"))


def _answers(client: Client, options: argparse.Namespace, body: Any) -> Iterable[Any]:  # noqa: ANN401 -- JSON
    match options.command:
        case "settle":
            yield client.settle(body, options.key)
        case "quote":
            yield client.quote(body)
        case "invite":
            invitation = shapes.InvitationJson(
                beneficiary=options.beneficiary, relation=options.relation
            )
            if options.document:
                invitation["evidence"] = {"kind": "document", "reference": options.document}
            yield client.invite(invitation, options.key)
        case _:
            yield from client.entries(options.person_no)


def _line(options: argparse.Namespace, answer: Mapping[str, Any]) -> str:
    if options.json:
        return json.dumps(answer, ensure_ascii=False)
    members = [(name, answer.get(name)) for name in SHOWN[options.command]]
    if options.command == "statement":
        return "  ".join(str(value) for _, value in members)
    return "\n".join(f"{name:<14} {value}" for name, value in members)


def _tell(options: argparse.Namespace, error: GongjiError) -> None:
    if options.json:
        print(json.dumps({"code": error.code, "outcome": error.outcome, "key": error.key}))
    print(f"gongji-client: {error}: {error.detail}", file=sys.stderr)
    if error.key is not None and isinstance(error, Unknown):
        print(f"gongji-client: ask again with --key {error.key}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
