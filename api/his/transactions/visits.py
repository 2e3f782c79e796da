"""Visits and their fee lines: 2201 to 2205, 2301, 2302, 2401 to 2405."""

from collections.abc import Iterable
from typing import Any

from aggregates.vocabulary import Setting, VisitEnd
from api.his.transactions.persons import credential
from api.his.wire.call import Call, check_reply
from api.his.wire.envelope import Answered
from api.his.wire.reading import Values
from api.http.problems import ProblemError
from service.adapters.pooled_fund import GRADE_OWN, FundTable
from service.ids import long, short
from service.visit import visits
from service.visit.visits import FeeRow, VisitRef, fees_of

ALL = "0000"
DEFAULT_BATCH = "0"
UNLIMITED = "0"
"""The stand-in's price list knows no limits of use."""


def named(values: Values) -> VisitRef:
    """The visit and patient that an input names."""
    return VisitRef(long("vis", values["mdtrt_id"]), values["psn_no"])


async def register(call: Call) -> Answered:
    """2201: an out-patient registration."""
    sent = call.first
    return await _registered(call, Setting.OUTPATIENT, sent["ipt_otp_no"], "data")


async def admit(call: Call) -> Answered:
    """2401: an admission; the message's own number stands in for a missing stay number."""
    number = call.first["ipt_no"] or call.head.msgid
    return await _registered(call, Setting.INPATIENT, number, "result")


async def _registered(call: Call, setting: Setting, number: str, node: str) -> Answered:
    sent = call.first
    command = visits.RegisterVisit(
        person_no=sent["psn_no"],
        shown=credential(sent["mdtrt_cert_type"], sent["mdtrt_cert_no"]),
        setting=setting,
        number=number,
        department=sent.get("dept_name") or sent.get("adm_dept_name") or "",
        med_type=sent.get("med_type"),
        began_at=sent["begntime"],
    )
    reply = check_reply(await visits.register(call.context, call.request(), command))
    assert reply.subject is not None, "a registration makes a visit"
    row = {"mdtrt_id": short(reply.subject), "psn_no": sent["psn_no"], "ipt_otp_no": number}
    return call.answer({node: row}, reply)


async def describe(call: Call) -> Answered:
    """2203 and 2403: the diagnoses of a visit."""
    sent = call.first
    diagnoses = tuple(
        (row["diag_srt_no"] or str(number), row["diag_code"], row["diag_name"] or "")
        for number, row in enumerate(call.input["diseinfo"], 1)
        if row["diag_code"] and row["vali_flag"] != "0"
    )
    if not diagnoses and sent["dise_codg"]:
        diagnoses = (("1", sent["dise_codg"], sent["dise_name"] or ""),)
    request, med_type = call.request(), sent["med_type"]
    reply = await visits.describe(call.context, request, named(sent), med_type, diagnoses)
    return call.answer({}, reply)


async def withdraw(call: Call) -> Answered:
    """2202 and 2404: withdraw a registration or an admission."""
    return await _close(call, VisitEnd.WITHDRAWN)


async def discharge(call: Call) -> Answered:
    """2402: discharge the patient."""
    return await _close(call, VisitEnd.DISCHARGED)


async def _close(call: Call, end: VisitEnd) -> Answered:
    reply = await visits.close(call.context, call.request(), named(call.first), end)
    return call.answer({}, reply)


async def reopen(call: Call) -> Answered:
    """2405: undo a discharge."""
    reply = await visits.reopen(call.context, call.request(), named(call.first))
    return call.answer({}, reply)


async def upload(call: Call) -> Answered:
    """2204 and 2301: fee lines, each answered with its amount in scope."""
    rows = call.input["feedetail"]
    if not rows:
        raise ProblemError("FIELD_REQUIRED", field="feedetail")
    if len({(row["mdtrt_id"], row["psn_no"]) for row in rows}) != 1:
        raise ProblemError("FIELD_INVALID", field="mdtrt_id")
    sent = fees_of(map(fee_row, rows))
    reply = await visits.upload_fees(call.context, call.request(), named(rows[0]), sent)
    results = fee_results(call.context.funds.table, sent)
    return call.answer({"result": [row | {"lmt_used_flag": UNLIMITED} for row in results]}, reply)


def fee_row(row: Values) -> FeeRow:
    """A sent fee line as the service takes it."""
    return (
        row["feedetl_sn"],
        row.get("chrg_bchno") or DEFAULT_BATCH,
        row["med_list_codg"],
        row["det_item_fee_sumamt"],
        row["cnt"],
        row["pric"],
        row["fee_ocur_time"],
    )


def fee_results(table: FundTable, lines: Iterable[Any]) -> list[Values]:
    """Each of the service's fee lines with its amount in scope, by the stand-in's price list."""
    return [_fee_result(table, line) for line in lines]


def _fee_result(table: FundTable, fee: Any) -> Values:  # noqa: ANN401 -- the service's own line
    priced = table.price(fee)
    permille = priced.priced.first_permille
    return {
        "feedetl_sn": fee.line,
        "det_item_fee_sumamt": fee.amount_fen,
        "cnt": fee.count,
        "pric": fee.price,
        "pric_uplmt_amt": fee.price,
        "selfpay_prop": f"{permille // 1000}.{permille % 1000:03d}0",
        "fulamt_ownpay_amt": priced.full_self_fen,
        "overlmt_amt": 0,
        "preselfpay_amt": priced.first_self_fen,
        "inscp_scp_amt": priced.in_scope_fen,
        "chrgitm_lv": priced.priced.grade,
        "med_chrgitm_type": "",
        "bas_medn_flag": "0",
        "hi_nego_drug_flag": "0",
        "chld_medc_flag": "0",
        "list_sp_item_flag": "0",
        "drt_reim_flag": "1" if priced.priced.grade == GRADE_OWN else "0",
    }


async def withdraw_fees(call: Call) -> Answered:
    """2205: withdraw a charge batch, or with "0000" every one that is not settled."""
    sent = call.first
    batch = sent["chrg_bchno"] or ALL
    lines = (sent["feedetl_sn"],) if sent["feedetl_sn"] else ()
    reply = await visits.withdraw_fees(call.context, call.request(), named(sent), batch, lines)
    return call.answer({}, reply)


async def withdraw_fee_lines(call: Call) -> Answered:
    """2302: withdraw fee lines of a stay by number, or with "0000" every one."""
    rows = call.input["data"]
    if not rows:
        raise ProblemError("FIELD_REQUIRED", field="data")
    lines = tuple(row["feedetl_sn"] for row in rows if row["feedetl_sn"] not in (None, ALL))
    reply = await visits.withdraw_fees(call.context, call.request(), named(rows[0]), ALL, lines)
    return call.answer({}, reply)
