"""What a door answered, as the outcome of a step; and a clock that a case sets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING, Instant, instant
from tests.cases.world import Outcome


class StoppedClock:
    """A business clock that stands until it is set."""

    def __init__(self) -> None:
        """Stand before every case."""
        self.at = datetime(2020, 1, 1, tzinfo=BEIJING)

    def __call__(self) -> Instant:
        """The moment it stands at."""
        return instant(self.at)


def refused(code: str, fields: Mapping[str, Any]) -> Outcome:
    """A refusal, with the new plan where it comes with one."""
    plan = fields.get("plan")
    return Outcome(refused=code, plan=split(plan) if plan else None)


def split(answer: Mapping[str, Any]) -> Outcome:
    """An answer's members, as far as it has them."""
    payers = [payer["reason"] or payer["amount"] for payer in answer.get("payers", ())]
    return Outcome(
        own=payers[0] if payers else None,
        aid=tuple(payers[1:]),
        cash=answer.get("cash"),
        reasons=tuple(answer.get("reasons", ())),
        status=answer.get("status"),
        changed=answer.get("changed", False),
        subject=answer.get("settlement_id", answer.get("binding_id", "")),
        plan_hash=answer.get("plan_hash", ""),
    )
