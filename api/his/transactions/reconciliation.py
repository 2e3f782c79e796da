"""A day's books: 3201 totals, 3202 bill by bill, 9101 and 9102 files, 3203 and 3204 clearing."""

from datetime import timedelta
from typing import Any

from aggregates.vocabulary import Insurance
from api.his.transactions.persons import INSUTYPE
from api.his.transactions.statement_files import RESULTS, WORDS, bytes_of, read_rows, result_file
from api.his.wire.call import Call, FailedError, check_reply
from api.his.wire.envelope import Answered, Failed
from api.his.wire.reading import month, unfold
from api.http.problems import ProblemError
from service.his.files import fetch, keep, kept_until
from service.reconciliation import clearing_applications as clearing_claims
from service.reconciliation import fsi_statement as books
from service.reconciliation.fsi_statement import BillFilter, stated

BARE = "0"
RESULT_NAME = "result.zip"
INSURED = {code: insurance for insurance, code in INSUTYPE.items()}
ANY_CLEARING = "99"


def _asked(sent: dict[str, Any]) -> BillFilter:
    insutype, clr_type = sent["insutype"], sent["clr_type"]
    insurance: Insurance | None = INSURED.get(insutype) if insutype else None
    kind = None if clr_type in (None, ANY_CLEARING) else clr_type
    return BillFilter(sent["stmt_begndate"], sent["stmt_enddate"], insurance, kind)


async def totals(call: Call) -> Answered:
    """3201: whether the institution's sums of some days are ours."""
    sent = call.first
    said = stated(
        sent["fixmedins_setl_cnt"], sent["medfee_sumamt"], sent["fund_pay_sumamt"], sent["acct_pay"]
    )
    looked = books.FsiStatementQuery(
        call.api.context, call.api.read_models, call.caller, call.dialect
    )
    bare = sent["refd_setl_flag"] == BARE
    is_equal = await books.agree(looked, _asked(sent), said, bare=bare)
    verdict = "EQUAL" if is_equal else "DIFFERENT"
    row = {
        "setl_optins": sent["setl_optins"] or call.envelope.place,
        "stmt_rslt": RESULTS[call.dialect.stmt_rslt][verdict],
        "stmt_rslt_dscr": WORDS[verdict],
    }
    return call.answer({"stmtinfo": row})


async def details(call: Call) -> Answered:
    """3202: the uploaded file against ours, row by row; the result is a file to be fetched."""
    sent, read_models = call.first, call.api.read_models
    raw = await fetch(read_models, call.caller, sent["file_qury_no"])
    if raw is None:
        raise ProblemError("NOT_FOUND", field="file_qury_no")
    looked = books.FsiStatementQuery(call.api.context, read_models, call.caller, call.dialect)
    bare = sent["refd_setl_flag"] == BARE
    rows = await books.compare_rows(looked, _asked(sent), read_rows(raw), bare=bare)
    packed = result_file(rows, call.dialect.stmt_rslt)
    number = await keep(read_models, call.caller, RESULT_NAME, packed)
    return call.answer({"fileinfo": _file(number, RESULT_NAME)})


async def upload(call: Call) -> Answered:
    """9101: keep a file. The same file again has the same number."""
    node = unfold(call.envelope.input)
    node = unfold(node.get("fsUploadIn", node.get("data", node)))
    body = bytes_of(node.get("in") if isinstance(node, dict) else None)
    filename = call.first["filename"]
    number = await keep(call.api.read_models, call.caller, filename, body)
    row = _file(number, filename) | {"fixmedins_code": call.caller.subject}
    return call.answer({"": row})


async def download(call: Call) -> bytes:
    """9102: a file's bytes."""
    raw = await fetch(call.api.read_models, call.caller, call.first["file_qury_no"])
    if raw is None:
        raise ProblemError("NOT_FOUND", field="file_qury_no")
    return raw


def _file(number: str, filename: str) -> dict[str, Any]:
    return {"file_qury_no": number, "filename": filename, "dld_endtime": kept_until()}


async def apply_for_clearing(call: Call) -> Answered:
    """3203: apply for a month's clearing; refused where the month's sums are not ours."""
    sent = call.first
    first = month(sent["setlym"], call.api.context.clock().on)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    kind = None if sent["clr_type"] in (None, ANY_CLEARING) else sent["clr_type"]
    looked = books.FsiStatementQuery(
        call.api.context, call.api.read_models, call.caller, call.dialect
    )
    said = stated(None, sent["medfee_sumamt"], sent["fund_appy_sum"], sent["acct_pay"])
    if not await books.agree(looked, BillFilter(first, last, None, kind), said, bare=False):
        raise FailedError(Failed("CLEARING_DIFFERENT", "not_applied", {"field": "medfee_sumamt"}))
    asked = clearing_claims.AskClearing(
        month=first,
        kind=kind or ANY_CLEARING,
        total_fen=sent["medfee_sumamt"],
        fund_pay_fen=sent["fund_appy_sum"],
        account_fen=sent["acct_pay"],
    )
    reply = check_reply(await clearing_claims.claim(call.api.context, call.request(), asked))
    return call.answer({"result": {"clr_appy_evt_id": reply.answer.decode().strip('"')}}, reply)


async def withdraw_clearing(call: Call) -> Answered:
    """3204: take such an application back."""
    event = call.first["clr_appy_evt_id"]
    reply = await clearing_claims.withdraw(call.api.context, call.request(), event)
    return call.answer({}, check_reply(reply))
