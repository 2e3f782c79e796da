"""`gongji witness`: check from outside that a service's log only grew, and sign its checkpoint.

For a hospital or a regulator, on its own machine; for example every hour.
"""

import argparse
import os
import sys
from pathlib import Path

import httpx

from service.proof.signed_notes import NoteInvalidError, read_verifier
from service.proof.witness import HistoryForkedError, load_witness, look, save_witness

TIMEOUT_S = 30.0
NOT_PERMITTED = 403


class UnwillingError(Exception):
    """The service answered with an error."""


def main(arguments: list[str]) -> int:
    """Check once and sign; the exit status, 1 if the log did not only grow."""
    options = _options(arguments)
    try:
        return _witness(options)
    except HistoryForkedError as error:
        print(f"gongji: HISTORY WAS REWRITTEN: {error}", file=sys.stderr)
    except (NoteInvalidError, UnwillingError, OSError, httpx.HTTPError) as error:
        print(f"gongji: {error}", file=sys.stderr)
    return 1


def _options(arguments: list[str]) -> argparse.Namespace:
    command = argparse.ArgumentParser(
        prog="gongji witness", description="Check that a service's log only grew, and sign it."
    )
    command.add_argument("url", metavar="URL", help="the service, such as http://127.0.0.1:8000")
    command.add_argument("--name", required=True, help="the witness's name, without spaces")
    command.add_argument(
        "--key", required=True, metavar="PUBKEY", help="of the log, or a file of it"
    )
    command.add_argument("--file", type=Path, required=True, help="the witness's own, kept safe")
    command.add_argument(
        "--token",
        default=os.environ.get("GONGJI_TOKEN"),
        help="of an institution or agency (an auditor's cannot sign); default GONGJI_TOKEN",
    )
    return command.parse_args(arguments)


def _witness(options: argparse.Namespace) -> int:
    path = Path(options.key)
    text = path.read_text(encoding="utf-8") if path.is_file() else options.key
    keys = [read_verifier(line) for line in text.split()]
    witness = load_witness(options.file, options.name)
    headers = {"Authorization": f"Bearer {options.token}", "Accept": "text/plain"}
    with httpx.Client(base_url=options.url, headers=headers, timeout=TIMEOUT_S) as client:
        growth = client.get("/v1/witness/checkpoint", params={"from": witness.seen.size})
        _check(growth)
        cosigned = look(witness, growth.text, keys)
        save_witness(options.file, cosigned.witness)
        body = {
            "verifier_key": witness.signer.verifier.text(),
            "size": cosigned.size,
            "line": cosigned.line,
        }
        stored = client.put("/v1/witness/cosignature", json=body)
    if stored.status_code != NOT_PERMITTED:
        _check(stored)
    print(f"{cosigned.size} rows, grown out of {witness.seen.size}")
    print(cosigned.witness.note, end="")
    return 0


def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise UnwillingError(f"the service answered {answer.status_code}: {answer.text[:300]}")
