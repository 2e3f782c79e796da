"""What an account's answer says of its money, and what the log says must be recovered; in fen."""

import json
from collections.abc import Iterable

from aggregates.settlement.events import RecoveryDue
from service.ledger.codec import Recorded
from tests.cases.reading import fen


def left_in(account: bytes) -> tuple[int, int]:
    """The current and prior money in an account's answer, in fen."""
    balance = json.loads(account)["balance"]
    return fen(balance["current"]), fen(balance["prior"])


def kept_in(account: bytes) -> int:
    """What an account's answer says is kept aside, in fen."""
    return sum(fen(kept["amount"]) for kept in json.loads(account)["suspense"])


def due_in_log(history: Iterable[Recorded]) -> int:
    """What is marked for recovery in a settlement's history."""
    return sum(r.event.amount_fen for r in history if isinstance(r.event, RecoveryDue))


def due_in_feed(lines: str, settlement: str) -> int:
    """What the feed of events marks for recovery of a settlement."""
    facts = (json.loads(line) for line in lines.splitlines())
    return sum(
        fact["event"]["amount_fen"]
        for fact in facts
        if (fact["stream"], fact["topic"]) == (settlement, "settlement.recovery-due/1")
    )
