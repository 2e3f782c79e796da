"""Queries of visits, fees and sums: 5201, 5202, 5204, 5206, 5303."""

from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING
from api.his.transactions.persons import INSUTYPE
from api.his.transactions.visits import fee_results, named
from api.his.wire.call import Call
from api.his.wire.envelope import Answered
from api.his.wire.reading import month
from service.ids import long, short
from service.visit.bill_facts import look_at_bill
from service.visit.queries import Visits, stays_of, sums_of_year, visits_of
from service.visit.visits import look_at_visit

FIRST = datetime(1990, 1, 1, tzinfo=BEIJING)
LAST = datetime(2199, 12, 31, tzinfo=BEIJING)
MAIN = "1"


def _span(sent: dict[str, Any]) -> tuple[datetime, datetime]:
    return sent["begntime"] or FIRST, sent["endtime"] or LAST


async def visits(call: Call) -> Answered:
    """5201: a patient's visits at the calling institution, newest first."""
    sent, api = call.first, call.api
    page = await visits_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    rows = [
        _shared(page, row)
        | {
            "ipt_otp_no": row.number[:30],
            "endtime": row.ended_at,
            "dept_name": row.department,
        }
        for row in page.rows
        if sent["mdtrt_id"] in (None, short(row.visit)) and sent["med_type"] in (None, row.med_type)
    ]
    return call.answer({"mdtrtinfo": rows})


async def stays(call: Call) -> Answered:
    """5303: the patient's present stays at the calling institution."""
    sent, api = call.first, call.api
    page = await stays_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    rows = [
        _shared(page, row) | {"ipt_no": row.number[:30], "adm_dept_name": row.department}
        for row in page.rows
    ]
    return call.answer({"data": rows})


def _shared(page: Visits, row: Any) -> dict[str, Any]:  # noqa: ANN401 -- the service's own row
    return {
        "mdtrt_id": short(row.visit),
        "psn_no": page.patient.person.person_no,
        "psn_name": page.patient.person.name[:50],
        "med_type": row.med_type,
        "begntime": row.began_at,
        "fixmedins_code": page.institution.code,
        "fixmedins_name": page.institution.name,
    }


async def diagnoses(call: Call) -> Answered:
    """5202: the diagnoses of a visit."""
    sent = call.first
    visit = await look_at_visit(call.context, call.caller, named(sent))
    rows = [
        {
            "mdtrt_id": sent["mdtrt_id"],
            "psn_no": sent["psn_no"],
            "diag_type": MAIN,
            "diag_srt_no": diagnosis.rank,
            "diag_code": diagnosis.code,
            "diag_name": diagnosis.name,
            "vali_flag": "1",
        }
        for diagnosis in visit.diagnoses
    ]
    return call.answer({"diseinfo": rows})


async def fees(call: Call) -> Answered:
    """5204: the fee lines of a visit, or of one bill of it."""
    sent, context = call.first, call.context
    batch: str | None = None
    if sent["setl_id"]:
        bill = long("stl", sent["setl_id"])
        batch = (await look_at_bill(context, call.caller, bill, sent["psn_no"])).batch
    visit = await look_at_visit(context, call.caller, named(sent))
    lines = visit.fees if batch is None else visit.fees_of(batch) or visit.fees
    return call.answer({"feedetail": fee_results(context.funds.table, lines)})


async def sums(call: Call) -> Answered:
    """5206: the sums of the patient's bills of a year at the calling institution."""
    sent, api = call.first, call.api
    today = api.context.clock().on
    on = month(sent["cum_ym"], today) if sent["cum_ym"] else today
    patient, sums_fen = await sums_of_year(
        api.context, api.read_models, call.caller, sent["psn_no"], on.year
    )
    rows = [
        {
            "insutype": INSUTYPE[patient.insurance],
            "year": f"{on:%Y}",
            "cum_ym": sent["cum_ym"],
            "cum_type_code": code,
            "cum": fen,
        }
        for code, fen in sums_fen.items()
    ]
    return call.answer({"cuminfo": rows})
