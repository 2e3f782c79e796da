"""Reconciliation: 3201 and 3202 compare, 9101 and 9102 files, 3203 and 3204 clear, 3260 lists."""

from datetime import timedelta
from typing import Any

from aggregates.vocabulary import Insurance
from api.his.transactions.persons import INSUTYPE
from api.his.transactions.statement_files import TOTALS, WORDS, bytes_of, read_rows, result_file
from api.his.wire.call import Call, FailedError, check_reply
from api.his.wire.envelope import Answered, Failed
from api.his.wire.reading import Values, month, node_of, unfold
from api.http.problems import ProblemError
from service.his.files import fetch, fetchable_until, store_file
from service.ids import short
from service.reconciliation import bills_elsewhere as elsewhere
from service.reconciliation import clearing_applications, fsi_statement
from service.reconciliation.fsi_statement import BillFilter, FsiStatementQuery, stated

WITHOUT_REFUNDS = "0"
RESULT_NAME = "result.zip"
INSURED = {code: insurance for insurance, code in INSUTYPE.items()}
ANY_CLEARING = "99"
PAID_AT_THE_COUNTER = "0"
"""`fulamt_advpay_flag`: the insurance paid at once; 1 is a bill that is reimbursed later."""


def _query(call: Call) -> FsiStatementQuery:
    return FsiStatementQuery(call.context, call.api.read_models, call.caller, call.dialect)


def _filter(sent: Values) -> BillFilter:
    insurance: Insurance | None = INSURED.get(sent["insutype"] or "")
    return BillFilter(
        sent["stmt_begndate"],
        sent["stmt_enddate"],
        insurance,
        _clearing_kind(sent),
        without_refunds=_refund_flag(sent) == WITHOUT_REFUNDS,
    )


def _refund_flag(sent: Values) -> str | None:
    """Whether the sums contain refunds; some systems send the institution's flag alone."""
    flag: str | None = sent["refd_setl_flag"] or sent["fixmedins_refd_setl_flag"]
    return flag


def _clearing_kind(sent: Values) -> str | None:
    """The kind of clearing, in capitals as in an application's number; None is all kinds."""
    kind = (sent["clr_type"] or ANY_CLEARING).upper()
    return None if kind == ANY_CLEARING else kind


async def totals(call: Call) -> Answered:
    """3201: compare the institution's sums of some days with the ledger's."""
    sent = call.first
    sums = stated(
        sent["fixmedins_setl_cnt"], sent["medfee_sumamt"], sent["fund_pay_sumamt"], sent["acct_pay"]
    )
    is_equal = await fsi_statement.agree(_query(call), _filter(sent), sums)
    verdict = "EQUAL" if is_equal else "DIFFERENT"
    row = {
        "setl_optins": sent["setl_optins"] or call.head.place,
        "stmt_rslt": TOTALS[call.dialect.stmt_rslt][verdict],
        "stmt_rslt_dscr": WORDS[verdict],
    }
    return call.answer({"stmtinfo": row})


async def details(call: Call) -> Answered:
    """3202: compare an uploaded file with the ledger, row by row; the result is a file."""
    raw = await download(call)
    rows = await fsi_statement.compare_rows(_query(call), _filter(call.first), read_rows(raw))
    packed = result_file(rows, call.dialect.stmt_rslt)
    number = await store_file(call.api.read_models, call.caller, RESULT_NAME, packed)
    return call.answer({"fileinfo": _file(number, RESULT_NAME)})


async def upload(call: Call) -> Answered:
    """9101: store a file. The same file again has the same number."""
    sent = unfold(call.head.input)
    node = node_of(sent, ("fsUploadIn", "data")) or sent
    body = bytes_of(node.get("in") if isinstance(node, dict) else None)
    filename = call.first["filename"]
    number = await store_file(call.api.read_models, call.caller, filename, body)
    row = _file(number, filename) | {"fixmedins_code": call.caller.subject}
    return call.answer({"": row})


async def download(call: Call) -> bytes:
    """9102: a file's bytes.

    Raises:
        ProblemError: NOT_FOUND.
    """
    raw = await fetch(call.api.read_models, call.caller, call.first["file_qury_no"])
    if raw is None:
        raise ProblemError("NOT_FOUND", field="file_qury_no")
    return raw


def _file(number: str, filename: str) -> dict[str, Any]:
    return {"file_qury_no": number, "filename": filename, "dld_endtime": fetchable_until()}


async def apply_for_clearing(call: Call) -> Answered:
    """3203: apply for a month's clearing; refused if the month's sums differ from the ledger's."""
    sent = call.first
    first = month(sent["setlym"], call.context.clock().on)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    kind = _clearing_kind(sent)
    sums = stated(None, sent["medfee_sumamt"], sent["fund_appy_sum"], sent["acct_pay"])
    if not await fsi_statement.agree(_query(call), BillFilter(first, last, None, kind), sums):
        raise FailedError(Failed("CLEARING_DIFFERENT", "not_applied", {"field": "medfee_sumamt"}))
    reply = await clearing_applications.apply(
        call.context, call.request(), first, kind or ANY_CLEARING, sums
    )
    number = check_reply(reply).answer.decode().strip('"')
    return call.answer({"result": {"clr_appy_evt_id": number.lower()}}, reply)


async def bills_elsewhere(call: Call) -> Answered:
    """3260: a month's bills of people insured elsewhere, 100 rows from a row on."""
    sent, skip = call.first, call.first["startrow"] - 1
    if skip < 0:
        raise ProblemError("FIELD_INVALID", field="startrow")
    text = f"{sent['trt_year']}{sent['trt_month']:0>2}"
    first = month(text, call.context.clock().on, "trt_month")
    bills = await elsewhere.bills_elsewhere(
        call.context, call.api.read_models, call.caller, first, skip
    )
    rows = [
        {
            "seqno": number,
            "mdtrtarea": bill.place,
            "medins_no": call.caller.subject,
            "certno": bill.cert_no,
            "mdtrt_id": bill.visit,
            "mdtrt_setl_time": bill.settled_at,
            "setl_sn": short(bill.settlement),
            "fulamt_advpay_flag": PAID_AT_THE_COUNTER,
            "medfee_sumamt": bill.total_fen,
            "optins_pay_sumamt": bill.payable_fen,
        }
        for number, bill in enumerate(bills, skip + 1)
    ]
    return call.answer({"data": rows})


async def withdraw_clearing(call: Call) -> Answered:
    """3204: withdraw an application."""
    number = call.first["clr_appy_evt_id"].upper()
    reply = await clearing_applications.withdraw(call.context, call.request(), number)
    return call.answer({}, reply)
