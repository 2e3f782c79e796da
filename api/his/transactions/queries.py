"""Looks at visits and fees: 5201, 5202, 5204, 5206, 5303."""

from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING, StreamId
from api.his.transactions.persons import INSUTYPE
from api.his.transactions.visits import fee_result, named
from api.his.wire.call import Call
from api.his.wire.envelope import Answered
from api.his.wire.reading import month
from service.ids import long, short
from service.visit.bill_facts import look_at_bill
from service.visit.queries import Visits, stays_of, sums_of_year, visits_of
from service.visit.visits import Named, look_at_visit

FIRST = datetime(1990, 1, 1, tzinfo=BEIJING)
MAIN = "1"


def _span(sent: dict[str, Any]) -> tuple[datetime, datetime]:
    last = datetime(2199, 12, 31, tzinfo=BEIJING)
    return sent["begntime"] or FIRST, sent["endtime"] or last


async def visits(call: Call) -> Answered:
    """5201: a patient's visits at the asking institution, newest first."""
    sent, api = call.first, call.api
    found = await visits_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    wanted = sent["mdtrt_id"]
    rows = [
        _shared(found, row)
        | {
            "med_type": row.med_type,
            "ipt_otp_no": row.number[:30],
            "endtime": row.ended_at,
            "dept_name": row.department,
        }
        for row in found.rows
        if wanted in (None, short(row.visit)) and sent["med_type"] in (None, row.med_type)
    ]
    return call.answer({"mdtrtinfo": rows})


async def stays(call: Call) -> Answered:
    """5303: whether the patient is in this hospital."""
    sent, api = call.first, call.api
    found = await stays_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    rows = [
        _shared(found, row)
        | {
            "med_type": row.med_type,
            "ipt_no": row.number[:30],
            "adm_dept_name": row.department,
        }
        for row in found.rows
    ]
    return call.answer({"data": rows})


def _shared(found: Visits, row: Any) -> dict[str, Any]:  # noqa: ANN401 -- the service's own row
    return {
        "mdtrt_id": short(row.visit),
        "psn_no": found.patient.person.person_no,
        "psn_name": found.patient.person.name[:50],
        "begntime": row.began_at,
        "fixmedins_code": found.counter.code,
        "fixmedins_name": found.counter.name,
    }


async def diagnoses(call: Call) -> Answered:
    """5202: what a visit was for."""
    sent = call.first
    visit = await look_at_visit(call.api.context, call.caller, named(sent))
    rows = [
        {
            "mdtrt_id": sent["mdtrt_id"],
            "psn_no": sent["psn_no"],
            "diag_type": MAIN,
            "diag_srt_no": one.rank,
            "diag_code": one.code,
            "diag_name": one.name,
            "vali_flag": "1",
        }
        for one in visit.diagnoses
    ]
    return call.answer({"diseinfo": rows})


async def fees(call: Call) -> Answered:
    """5204: the fee lines of a visit, or of one bill of it."""
    sent, api = call.first, call.api
    batch: str | None = None
    if sent["setl_id"]:
        bill = long("stl", sent["setl_id"])
        facts = await look_at_bill(api.context, call.caller, bill, sent["psn_no"])
        batch = facts.batch
    whose = Named(StreamId(long("vis", sent["mdtrt_id"])), sent["psn_no"])
    visit = await look_at_visit(api.context, call.caller, whose)
    table = api.context.funds.table
    chosen = visit.fees if batch is None else visit.fees_of(batch) or visit.fees
    rows = [
        fee_result(
            table,
            {
                "feedetl_sn": fee.line,
                "chrg_bchno": fee.batch,
                "med_list_codg": fee.code,
                "det_item_fee_sumamt": fee.amount_fen,
                "cnt": fee.count,
                "pric": fee.price,
                "fee_ocur_time": fee.occurred_at,
            },
        )
        for fee in chosen
    ]
    return call.answer({"feedetail": rows})


async def sums(call: Call) -> Answered:
    """5206: what the patient's bills of a year came to, at the asking institution alone."""
    sent, api = call.first, call.api
    today = api.context.clock().on
    on = month(sent["cum_ym"], today) if sent["cum_ym"] else today
    patient, told = await sums_of_year(
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
        for code, fen in told.items()
    ]
    return call.answer({"cuminfo": rows})
