"""What an institution settled in a month for people whom another region insures (3260)."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from aggregates.vocabulary import StreamId
from projections import binding
from projections.settlement import settlements
from service.caller import Caller, Role, check_role
from service.clock import of_micros
from service.context import ServiceContext
from service.institution import see_institution
from service.person.masking import persons_of
from service.read_models.reader import ReadModels, reach_head
from service.settlement.purchase_visit import visit_number

PAGE = 100
"""Rows of an answer, as the interface bounds them."""
LONGEST_MONTH = timedelta(days=31)


class BillElsewhere(NamedTuple):
    """A bill, less partial refunds; amounts in fen. `payable_fen` is what is owed for it.

    `place` is the institution's region; `cert_no` is the patient's, empty once he is erased.
    """

    settlement: StreamId
    place: str
    visit: str
    settled_at: datetime
    cert_no: str
    total_fen: int
    payable_fen: int


async def bills_elsewhere(
    context: ServiceContext, read_models: ReadModels, caller: Caller, first: date, skip: int
) -> list[BillElsewhere]:
    """The calling institution's live bills of the month that begins on `first`, oldest first.

    Raises:
        OverloadedError: the read models are behind the log; as `see_institution`.
    """
    check_role(caller, Role.INSTITUTION)
    stream, institution, _ = await see_institution(context, caller, caller.subject)
    for table in (settlements.TABLE, binding.TABLE):
        await reach_head(context, read_models, table)
    end = (first + LONGEST_MONTH).replace(day=1)
    rows = await settlements.of_people_elsewhere(
        read_models.pool, stream, (first, end), institution.region, (skip, PAGE)
    )
    persons = await persons_of(context, (row.beneficiary for row in rows))
    return [
        BillElsewhere(
            settlement=row.settlement,
            place=institution.region,
            visit=visit_number(row.settlement, row.visit),
            settled_at=of_micros(row.recorded_at),
            cert_no=person.cert_no if (person := persons.get(row.beneficiary)) else "",
            total_fen=row.total_fen,
            payable_fen=row.fund_pay_fen + row.own_fen + row.aid_fen,
        )
        for row in rows
    ]
