"""Queries of visits, fees and sums: 5201, 5202, 5204, 5205, 5206, 5303."""

from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING
from api.his.transactions.persons import INSUTYPE, age, insured_as, particulars
from api.his.transactions.visits import fee_results, named
from api.his.wire.call import Call
from api.his.wire.envelope import Answered
from api.his.wire.reading import month
from service.ids import long, short
from service.visit.bill_facts import look_at_bill
from service.visit.queries import SeenVisit, Visits, stays_of, sums_of_year, visits_of
from service.visit.visits import VisitRef, kind_of_care, look_at_visit

FIRST = datetime(1990, 1, 1, tzinfo=BEIJING)
LAST = datetime(2199, 12, 31, tzinfo=BEIJING)
CHRONIC = "14"
"""Begins the kinds of care for a chronic disease (慢特病)."""
DRUGS = ("X", "Z", "T")
"""Begins the national code of a western drug, a Chinese patent drug, a herb."""
OF_A_DRUG = (
    *("feedetl_sn", "cnt", "pric", "chrgitm_lv", "med_chrgitm_type", "bas_medn_flag"),
    *("hi_nego_drug_flag", "chld_medc_flag", "list_sp_item_flag"),
)
"""What 5205 tells of a fee line as the upload of the line does."""
MAIN = "1"
RANK_MAX = 99
UNKNOWN = (
    *("hilist_code", "hilist_name", "list_type", "medins_list_codg", "medins_list_name"),
    "dosform_name",
)
"""What the tables of 5204 and 5205 require and the service does not keep."""


def _span(sent: dict[str, Any]) -> tuple[datetime, datetime]:
    return sent["begntime"] or FIRST, sent["endtime"] or LAST


async def visits(call: Call) -> Answered:
    """5201: a patient's visits at the calling institution, newest first."""
    sent, api = call.first, call.api
    page = await visits_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    wanted = (sent["mdtrt_id"] or "").lower()
    rows = [
        _shared(page, seen)
        | {
            "psn_type": insured_as(seen.patient)["psn_type"],
            "cvlserv_flag": insured_as(seen.patient)["cvlserv_flag"],
            "insu_optins": seen.patient.insured_place,
            "ipt_otp_no": seen.row.number[:30],
            "endtime": seen.row.ended_at,
            "dept_name": seen.row.department,
        }
        for seen in page.visits
        if wanted in ("", short(seen.row.visit))
        and sent["med_type"] in (None, kind_of_care(seen.row.med_type, seen.row.setting))
    ]
    return call.answer({"mdtrtinfo": rows})


async def stays(call: Call) -> Answered:
    """5303: the present stays at the calling institution, of one patient or of all."""
    sent, api = call.first, call.api
    page = await stays_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    rows = [
        _shared(page, seen)
        | {
            "begndate": seen.row.began_at.astimezone(BEIJING).date(),
            "ipt_otp_no": seen.row.number[:30],
            "ipt_no": seen.row.number[:30],
        }
        for seen in page.visits
    ]
    return call.answer({"data": rows})


def _shared(page: Visits, seen: SeenVisit) -> dict[str, Any]:
    """What 5201 and 5303 both tell of a visit and its patient."""
    row, patient = seen
    person = particulars(patient)
    del person["naty"]
    return person | {
        "mdtrt_id": short(row.visit),
        "age": age(patient, row.began_at.astimezone(BEIJING).date()),
        "insutype": INSUTYPE[patient.insurance],
        "med_type": kind_of_care(row.med_type, row.setting),
        "begntime": row.began_at,
        "adm_dept_name": row.department,
        "fixmedins_code": page.institution.code,
        "fixmedins_name": page.institution.name,
    }


async def diagnoses(call: Call) -> Answered:
    """5202: the diagnoses of a visit; the main one has the lowest sort number.

    Who made one, and when, is not kept: the department and the time are the visit's.
    """
    sent = call.first
    ref = named(sent)
    visit = await look_at_visit(call.context, call.caller, ref)
    number = short(ref.visit)
    ranks = [_sort_number(said.rank, place) for place, said in enumerate(visit.diagnoses, 1)]
    rows = [
        {
            "diag_info_id": f"{number}{place:05d}",
            "mdtrt_id": number,
            "psn_no": sent["psn_no"],
            "inout_diag_type": "",
            "diag_type": MAIN,
            "maindiag_flag": "1" if ranks.index(min(ranks)) == place else "0",
            "diag_srt_no": ranks[place],
            "diag_code": diagnosis.code,
            "diag_name": diagnosis.name,
            "diag_dept": visit.department[:50],
            "dise_dor_no": "",
            "dise_dor_name": "",
            "diag_time": visit.began_at,
            "vali_flag": "1",
        }
        for place, diagnosis in enumerate(visit.diagnoses)
    ]
    return call.answer({"diseinfo": rows})


def _sort_number(rank: str, place: int) -> int:
    """A diagnosis's number as it was sent, or its place where that is no number of two digits."""
    return int(rank) if rank.isascii() and rank.isdigit() and int(rank) <= RANK_MAX else place


async def fees(call: Call) -> Answered:
    """5204: the fee lines of a visit, or of one bill of it; a list without a node.

    Of a line that was uploaded its number, code, amounts and time are kept, not who ordered it.
    """
    sent, context = call.first, call.context
    batch: str | None = None
    bill = ""
    if sent["setl_id"]:
        settlement = long("stl", sent["setl_id"])
        batch = (await look_at_bill(context, call.caller, settlement, sent["psn_no"])).batch
        bill = short(settlement)
    ref = named(sent)
    visit = await look_at_visit(context, call.caller, ref)
    lines = visit.fees if batch is None else visit.fees_of(batch) or visit.fees
    shared = {
        "mdtrt_id": short(ref.visit),
        "setl_id": bill,
        "med_type": kind_of_care(visit.med_type, visit.setting),
    }
    rows = [
        priced
        | shared
        | dict.fromkeys(UNKNOWN, "")
        | {"fee_ocur_time": line.occurred_at, "med_list_codg": line.code}
        for line, priced in zip(lines, fee_results(context.funds.table, lines), strict=True)
    ]
    return call.answer({"": rows})


async def chronic_drugs(call: Call) -> Answered:
    """5205: the drugs of a patient's visits for a chronic disease at the calling institution.

    A fee line is a drug by the first letter of its national code.
    """
    sent, api = call.first, call.api
    page = await visits_of(api.context, api.read_models, call.caller, sent["psn_no"], _span(sent))
    rows: list[dict[str, Any]] = []
    for seen, _ in page.visits:
        med_type = kind_of_care(seen.med_type, seen.setting)
        if not med_type.startswith(CHRONIC):
            continue
        ref = VisitRef(seen.visit, sent["psn_no"])
        visit = await look_at_visit(api.context, call.caller, ref)
        lines = [line for line in visit.fees if line.code.startswith(DRUGS)]
        rows += [
            {name: priced[name] for name in OF_A_DRUG}
            | dict.fromkeys((*UNKNOWN, "spec"), "")
            | {
                "fixmedins_code": page.institution.code,
                "fixmedins_name": page.institution.name,
                "psn_no": sent["psn_no"],
                "med_type": med_type,
                "fee_ocur_time": line.occurred_at,
                "med_list_codg": line.code,
            }
            for line, priced in zip(lines, fee_results(api.context.funds.table, lines), strict=True)
        ]
    return call.answer({"feedetail": rows})


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
            "cum_ym": f"{on:%Y%m}",
            "cum_type_code": code,
            "cum": fen,
        }
        for code, fen in sums_fen.items()
    ]
    return call.answer({"cuminfo": rows})
