"""An institution's application for a month's clearing (3203, 3204). It moves no money.

An agency pays by `clearing.clear`.
"""

from dataclasses import dataclass
from datetime import date

from aggregates import institution as rules
from aggregates.institution import ClearingRequested
from aggregates.refusals import InstitutionNotDesignatedError, UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet

PROOF_SIZE = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class AskClearing:
    """A month by its first day, the kind of clearing (99 is all), and the stated sums in fen."""

    month: date
    kind: str
    total_fen: int
    fund_pay_fen: int | None
    account_fen: int | None


async def claim(context: ServiceContext, request: Request, asked: AskClearing) -> Reply:
    """Apply for a month's clearing; the answer is the application's number.

    Raises:
        RefusalError: as `institution.request_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream = _own(reads, context, request)
        event = ClearingRequested(
            month=asked.month,
            kind=asked.kind,
            total_fen=asked.total_fen,
            fund_pay_fen=asked.fund_pay_fen,
            account_fen=asked.account_fen,
        )
        made = rules.request_clearing(reads.institution(stream), event)
        number = _number(context, request, asked.month, asked.kind)
        return Decision(answer=f'"{number}"'.encode(), events=[(stream, one) for one in made])

    return await context.do(request, decide)


async def withdraw(context: ServiceContext, request: Request, number: str) -> Reply:
    """Take an application back by its number; what is taken back already is answered alike.

    Raises:
        UnknownError: it is none of the caller's; RefusalError: as
        `institution.withdraw_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream = _own(reads, context, request)
        month, kind = _named(context, request, number)
        made = rules.withdraw_clearing(reads.institution(stream), month, kind)
        return Decision(answer=b"{}", events=[(stream, one) for one in made])

    return await context.do(request, decide)


def _named(context: ServiceContext, request: Request, number: str) -> tuple[date, str]:
    """The month and kind of one of the caller's numbers.

    Raises:
        UnknownError: it was not given to him.
    """
    month, _, kind = number[:-PROOF_SIZE].partition("T")
    try:
        first = date.fromisoformat(f"{month[:4]}-{month[4:]}-01")
    except ValueError as error:
        raise UnknownError from error
    if number != _number(context, request, first, kind):
        raise UnknownError
    return first, kind


def _number(context: ServiceContext, request: Request, month: date, kind: str) -> str:
    """Month, kind and a keyed digest of both, so that nobody can make one up."""
    told = f"clearing\0{request.caller.name}\0{month:%Y%m}:{kind}"
    return f"{month:%Y%m}T{kind}" + context.vault.sign(told.encode()).hex()[:PROOF_SIZE].upper()


def _own(reads: ReadSet, context: ServiceContext, request: Request) -> StreamId:
    stream = reads.find(context.vault.name("institution", request.caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    return stream
