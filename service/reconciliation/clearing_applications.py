"""An institution's application for a month's clearing (3203, 3204). It moves no money.

An agency pays by `clearing.clear`.
"""

from datetime import date

from aggregates import institution as rules
from aggregates.institution import ClearingRequested
from aggregates.reconciliation.fsi_statement import StatedSums
from aggregates.refusals import InstitutionNotDesignatedError, UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet

PROOF_SIZE = 17


async def apply(
    context: ServiceContext, request: Request, month: date, kind: str, sums: StatedSums
) -> Reply:
    """Apply for the clearing of a month, by its first day, and a kind (99 is all kinds).

    The answer is the application's number.

    Raises:
        RefusalError: as `institution.request_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    assert sums.total_fen is not None, "the protocol requires the total"
    applied_for = ClearingRequested(
        month=month,
        kind=kind,
        total_fen=sums.total_fen,
        fund_pay_fen=sums.fund_fen,
        account_fen=sums.account_fen,
    )

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream = _own_stream(reads, context, request)
        events = rules.request_clearing(reads.institution(stream), applied_for)
        number = _number(context, request, month, kind)
        return Decision(answer=f'"{number}"'.encode(), events=[(stream, e) for e in events])

    return await context.do(request, decide)


async def withdraw(context: ServiceContext, request: Request, number: str) -> Reply:
    """Withdraw an application by its number. Idempotent.

    Raises:
        UnknownError: it is not the caller's; RefusalError: as
        `institution.withdraw_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream = _own_stream(reads, context, request)
        month, kind = _month_and_kind(context, request, number)
        events = rules.withdraw_clearing(reads.institution(stream), month, kind)
        return Decision(answer=b"{}", events=[(stream, e) for e in events])

    return await context.do(request, decide)


def _month_and_kind(context: ServiceContext, request: Request, number: str) -> tuple[date, str]:
    """The month and kind of an application's number.

    Raises:
        UnknownError: the number is not one of the caller's.
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
    """Month, kind and a keyed digest of both, so that nobody can forge a number."""
    text = f"clearing\0{request.caller.name}\0{month:%Y%m}:{kind}"
    return f"{month:%Y%m}T{kind}" + context.vault.sign(text.encode()).hex()[:PROOF_SIZE].upper()


def _own_stream(reads: ReadSet, context: ServiceContext, request: Request) -> StreamId:
    stream = reads.find(context.vault.name("institution", request.caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    return stream
