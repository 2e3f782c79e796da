"""Queries of visits: a patient's, the current stays, and a year's sums of bills."""

from datetime import date, datetime
from typing import NamedTuple

from aggregates.institution import Institution
from aggregates.vocabulary import Setting
from projections import visit as visit_views
from projections.account import patient_bills as bill_views
from projections.settlement import settlements as settlement_views
from projections.visit import VisitRow
from service.caller import Caller
from service.context import ServiceContext
from service.read_models.reader import ReadModels, reach_head
from service.visit.bill_facts import Patient
from service.visit.identify import look_at_patient


class Visits(NamedTuple):
    """A patient's visits at the calling institution, newest first."""

    patient: Patient
    institution: Institution
    rows: list[VisitRow]


async def visits_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str,
    span: tuple[datetime, datetime],
) -> Visits:
    """The visits that began within a span of time; it raises as `look_at_patient`."""
    patient, (stream, institution) = await look_at_patient(context, caller, person_no)
    await reach_head(context, read_models, visit_views.TABLE)
    rows = await visit_views.of_patient(read_models.pool, stream, patient.account, *span)
    return Visits(patient, institution, rows)


async def stays_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str,
    span: tuple[datetime, datetime],
) -> Visits:
    """The stays within a span of time that have not ended; it raises as `look_at_patient`."""
    visits = await visits_of(context, read_models, caller, person_no, span)
    stays = [r for r in visits.rows if r.setting is Setting.INPATIENT and r.ending is None]
    return visits._replace(rows=stays)


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
