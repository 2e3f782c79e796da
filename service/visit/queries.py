"""Queries of visits: a patient's, the current stays, and a year's sums of bills."""

from datetime import date, datetime
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.institution import Institution
from aggregates.vocabulary import Setting
from projections import visit as visit_views
from projections.account import patient_bills as bill_views
from projections.settlement import settlements as settlement_views
from projections.visit import VisitRow
from service.caller import Caller
from service.context import ServiceContext
from service.person.masking import persons_of
from service.read_models.reader import ReadModels, reach_head
from service.visit.bill_facts import Patient, as_patient
from service.visit.identify import look_at_caller, look_at_patient


class SeenVisit(NamedTuple):
    """A visit, and its patient as recorded now."""

    row: VisitRow
    patient: Patient


class Visits(NamedTuple):
    """Visits at the calling institution, newest first."""

    institution: Institution
    visits: list[SeenVisit]


async def visits_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str,
    span: tuple[datetime, datetime],
) -> Visits:
    """A patient's visits that began in a span of time; it raises as `look_at_patient`."""
    patient, (stream, institution) = await look_at_patient(context, caller, person_no)
    await reach_head(context, read_models, visit_views.TABLE)
    rows = await visit_views.of_patient(read_models.pool, stream, patient.account, *span)
    return Visits(institution, await _seen(context, rows))


async def stays_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str | None,
    span: tuple[datetime, datetime],
) -> Visits:
    """The stays that began in a span of time and have not ended: a patient's, or everybody's.

    It raises as `look_at_patient`.
    """
    if person_no is not None:
        institution, visits = await visits_of(context, read_models, caller, person_no, span)
        return Visits(institution, [seen for seen in visits if _is_present_stay(seen.row)])
    stream, institution = await look_at_caller(context, caller)
    await reach_head(context, read_models, visit_views.TABLE)
    rows = await visit_views.present_stays(read_models.pool, stream, *span)
    return Visits(institution, await _seen(context, rows))


def _is_present_stay(row: VisitRow) -> bool:
    return row.setting is Setting.INPATIENT and row.ending is None


async def _seen(context: ServiceContext, rows: list[VisitRow]) -> list[SeenVisit]:
    accounts = {row.beneficiary for row in rows}
    persons = await persons_of(context, accounts)
    heads = (await context.store.read(accounts, ())).heads
    seen: list[SeenVisit] = []
    for row in rows:
        account = heads[row.beneficiary].state
        assert isinstance(account, Account), "a visit's patient has an account"
        patient = as_patient(row.beneficiary, account, persons.get(row.beneficiary))
        seen.append(SeenVisit(row, patient))
    return seen


async def sums_of_year(
    context: ServiceContext, read_models: ReadModels, caller: Caller, person_no: str, year: int
) -> tuple[Patient, dict[str, int]]:
    """The sums of a patient's bills of a year at the calling institution, by name, in fen."""
    patient, (stream, _) = await look_at_patient(context, caller, person_no)
    await reach_head(context, read_models, bill_views.TABLE, settlement_views.TABLE)
    days = date(year, 1, 1), date(year, 12, 31)
    sums = await bill_views.sums_of(read_models.pool, patient.account, stream, *days)
    return patient, {
        "MED_FEE": sums.total_fen,
        "FUND": sums.fund_pay_fen,
        "ACCT": sums.own_fen + sums.aid_fen,
        "MULAID": sums.aid_fen,
        "CASH": sums.cash_fen,
    }
