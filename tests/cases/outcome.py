"""What a door answered, as the outcome of a step; and a clock that a case sets."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING, Instant, instant
from service.ledger.command import Reply
from tests.cases.reading import Step
from tests.cases.world import Outcome

SUBJECTS = ("hold_id", "settlement_id", "binding_id", "link_id", "premium_id")


class StoppedClock:
    """A business clock that stands until it is set."""

    def __init__(self) -> None:
        """Stand before every case."""
        self.at = datetime(2020, 1, 1, tzinfo=BEIJING)

    def __call__(self) -> Instant:
        """The moment it stands at."""
        return instant(self.at)


def told(reply: Reply) -> Outcome:
    """A reply as an outcome."""
    if reply.refusal is not None:
        return refused(reply.refusal, json.loads(reply.answer))
    return split(json.loads(reply.answer))


def refused(code: str, fields: Mapping[str, Any]) -> Outcome:
    """A refusal, with the new plan where it comes with one."""
    plan = fields.get("plan")
    subject = fields.get("premium_id", "")
    return Outcome(refused=code, plan=split(plan) if plan else None, subject=subject)


def split(answer: Mapping[str, Any]) -> Outcome:
    """An answer's members, as far as it has them."""
    paid = answer.get("refunded", answer)
    payers = [payer.get("reason") or payer["amount"] for payer in paid.get("payers", ())]
    return Outcome(
        own=payers[0] if payers else None,
        aid=tuple(payers[1:]),
        cash=paid.get("cash"),
        reasons=tuple(answer.get("reasons", answer.get("warnings", ()))),
        status=answer.get("status"),
        changed=answer.get("changed", False),
        subject=next((answer[name] for name in SUBJECTS if name in answer), "") or "",
        code=answer.get("code", ""),
        plan_hash=answer.get("plan_hash", ""),
    )


def patient_of(step: Step, before: Mapping[str, Outcome]) -> tuple[str, str]:
    """How a bill names its patient: by his number, or by a code that was shown."""
    return _code(step.shown, before) if step.shown else ("person_no", step.who)


def credential_of(step: Step, before: Mapping[str, Outcome]) -> tuple[str, str] | None:
    """What is shown beside the patient: a code, or somebody's number."""
    shown = step.credential
    if not shown:
        return None
    return _code(shown, before) if shown in before else ("person_no", shown)


def _code(shown: str, before: Mapping[str, Outcome]) -> tuple[str, str]:
    return "e_credential", before[shown].code if shown in before else shown
