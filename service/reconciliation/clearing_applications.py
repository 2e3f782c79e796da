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
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View

PROOF_SIZE = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class AskClearing:
    """A month by its first day, the kind of clearing (99 is all), and the stated sums in fen."""

    month: date
    kind: str
    total_fen: int
    fund_pay_fen: int | None
    account_fen: int | None


async def claim(house: House, request: Request, asked: AskClearing) -> Reply:
    """Apply for a month's clearing; the answer is the application's number.

    Raises:
        RefusalError: as `institution.request_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, _: Instant) -> Decision:
        stream = _own(view, house, request)
        event = ClearingRequested(
            month=asked.month,
            kind=asked.kind,
            total_fen=asked.total_fen,
            fund_pay_fen=asked.fund_pay_fen,
            account_fen=asked.account_fen,
        )
        made = rules.request_clearing(view.institution(stream), event)
        number = _number(house, request, asked.month, asked.kind)
        return Decision(answer=f'"{number}"'.encode(), events=[(stream, one) for one in made])

    return await house.do(request, decide)


async def withdraw(house: House, request: Request, number: str) -> Reply:
    """Take an application back by its number; what is taken back already is answered alike.

    Raises:
        UnknownError: it is none of the caller's; RefusalError: as
        `institution.withdraw_clearing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, _: Instant) -> Decision:
        stream = _own(view, house, request)
        month, kind = _named(house, request, number)
        made = rules.withdraw_clearing(view.institution(stream), month, kind)
        return Decision(answer=b"{}", events=[(stream, one) for one in made])

    return await house.do(request, decide)


def _named(house: House, request: Request, number: str) -> tuple[date, str]:
    """The month and kind of one of the caller's numbers.

    Raises:
        UnknownError: it was not given to him.
    """
    month, _, kind = number[:-PROOF_SIZE].partition("T")
    try:
        first = date.fromisoformat(f"{month[:4]}-{month[4:]}-01")
    except ValueError as error:
        raise UnknownError from error
    if number != _number(house, request, first, kind):
        raise UnknownError
    return first, kind


def _number(house: House, request: Request, month: date, kind: str) -> str:
    """Month, kind and a keyed digest of both, so that nobody can make one up."""
    told = f"clearing\0{request.caller.name}\0{month:%Y%m}:{kind}"
    return f"{month:%Y%m}T{kind}" + house.keys.sign(told.encode()).hex()[:PROOF_SIZE].upper()


def _own(view: View, house: House, request: Request) -> StreamId:
    stream = view.find(house.keys.name("institution", request.caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    return stream
