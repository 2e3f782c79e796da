"""The clearing of an institution (清算): record a payment, and compute a month's sums."""

from datetime import date, timedelta
from typing import Any

from msgspec import json

from aggregates import institution as rules
from aggregates.reconciliation.day import BillTotals, together
from aggregates.vocabulary import Instant
from projections.settlement import movements
from projections.settlement.movements import of_days
from service.caller import Caller, Request, Role, check_role
from service.context import ServiceContext
from service.institution import find_institution, see_institution
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.read_models.reader import ReadModels, reach_head
from service.reconciliation.reconcile_day import ComputedAnswer, sums_answer
from service.serializers import day, signed_yuan

LONGEST_MONTH = timedelta(days=31)


async def clear(context: ServiceContext, request: Request, code: str, through: date) -> Reply:
    """Record that an institution was paid for its settlements up to and including a day.

    Raises:
        UnknownError: no such institution, or of another region; DateInvalidError: the day is
        not over; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        stream, institution = find_institution(reads, context.vault, request.caller, code)
        event = rules.clear(institution, through, now.on)
        answer = {"institution": code, "cleared_through": day(through)}
        return Decision(answer=json.encode(answer), events=[(stream, event)])

    return await context.do(request, decide)


async def look_at_clearing(
    context: ServiceContext, read_models: ReadModels, caller: Caller, code: str, first: date
) -> ComputedAnswer:
    """The sums of the month that begins on `first`, by day and in total.

    For the institution itself, an agency of its region, and auditors.

    Raises:
        UnknownError: no such institution, or not the caller's;
        OverloadedError: the read models are behind the log.
    """
    check_role(caller, Role.INSTITUTION, Role.AGENCY, Role.AUDITOR)
    assert first.day == 1, "a month begins on its first day"
    stream, institution, _ = await see_institution(context, caller, code)
    position = await reach_head(context, read_models, movements.TABLE)
    end = (first + LONGEST_MONTH).replace(day=1)
    days = await of_days(read_models.pool, stream, first, end)
    body = {
        "institution": code,
        "name": institution.name,
        "month": first.isoformat()[:7],
        "days": [{"day": d.day.isoformat()} | _line(d.settled, d.returned) for d in days],
        **_line(together(d.settled for d in days), together(d.returned for d in days)),
        "cleared_through": day(institution.cleared_through),
    }
    return ComputedAnswer(body, position)


def _line(settled: BillTotals, returned: BillTotals) -> dict[str, Any]:
    """Sums settled and returned, and what accounts owe the institution for both."""
    net = settled.plus(returned.negated())
    return {
        "settled": sums_answer(settled),
        "returned": sums_answer(returned),
        "payable": signed_yuan(net.own_fen + net.aid_fen),
    }
