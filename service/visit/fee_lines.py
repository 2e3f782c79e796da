"""Upload fee lines of a visit, and withdraw them before they are billed."""

from collections.abc import Iterable
from datetime import datetime

from aggregates import visit as rules
from aggregates.visit import Fee
from service.caller import Request
from service.context import ServiceContext
from service.ledger.command import Reply
from service.visit.visits import Named, change

FeeRow = tuple[str, str, str, int, str, str, datetime]


def fees_of(rows: Iterable[FeeRow]) -> tuple[Fee, ...]:
    """Fee lines from rows of number, batch, code, fen, count, price and time."""
    return tuple(
        Fee(
            line=line,
            batch=batch,
            code=code,
            amount_fen=fen,
            count=count,
            price=price,
            occurred_at=at,
        )
        for line, batch, code, fen, count, price, at in rows
    )


async def upload(
    context: ServiceContext, request: Request, named: Named, fees: tuple[Fee, ...]
) -> Reply:
    """Add fee lines to a visit of the caller's own.

    Raises:
        UnknownError: there is no such visit; the rest as `Appender.submit`.
    """
    return await change(
        context, request, named, lambda visit, settled, _: rules.upload(visit, fees, settled)
    )


async def withdraw(
    context: ServiceContext, request: Request, named: Named, batch: str, lines: tuple[str, ...]
) -> Reply:
    """Withdraw a batch's fee lines, or those of these numbers.

    Raises:
        UnknownError: there is no such visit; the rest as `Appender.submit`.
    """
    return await change(
        context,
        request,
        named,
        lambda visit, settled, _: rules.withdraw(visit, batch, lines, settled),
    )
