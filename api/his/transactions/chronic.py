"""Filings of chronic diseases (慢特病备案): 2503 files one, 2504 takes it back, 5301 lists them.

What an institution files is under review until an agency of the person's region grants it over
HTTP. A region's centre keeps the register where there is one: then these three go there.
"""

from aggregates.vocabulary import StreamId
from api.his.wire.call import Call, check_reply
from api.his.wire.envelope import Answered
from service.account import chronic
from service.account.chronic import FileDisease
from service.ids import long, short


async def file_disease(call: Call) -> Answered:
    """2503: a filing, under review. Telephone, address, doctor and remark are not kept."""
    sent = call.first
    command = FileDisease(
        person_no=sent["psn_no"],
        disease=sent["opsp_dise_code"],
        name=sent["opsp_dise_name"],
        begins_on=sent["begndate"],
        ends_on=sent["enddate"],
    )
    reply = check_reply(await chronic.file_disease(call.context, call.request(), command))
    number = short(StreamId(reply.answer.decode().strip('"')))
    return call.answer({"result": {"trt_dcla_detl_sn": number}}, reply)


async def withdraw_filing(call: Call) -> Answered:
    """2504: the institution's own filing, taken back before an agency granted it."""
    sent = call.first
    filing = long(chronic.PREFIX, sent["trt_dcla_detl_sn"])
    reply = await chronic.withdraw_filing(call.context, call.request(), sent["psn_no"], filing)
    return call.answer({}, reply)


async def filings(call: Call) -> Answered:
    """5301: the filings that an agency granted and that are valid today.

    A filing under review is not listed, and `/v1/filings` are for care elsewhere: listed here they
    would open entitlements that nobody granted.
    """
    found = await chronic.filings_in_force(call.context, call.caller, call.first["psn_no"])
    rows = [
        {
            "opsp_dise_code": filed.disease,
            "opsp_dise_name": filed.name,
            "begndate": filed.begins_on,
            "enddate": filed.ends_on,
        }
        for filed in found
    ]
    return call.answer({"feedetail": rows})
