"""Settlement lists (结算清单): 4101.

A list must be of a live bill, and its payments those of the bill. A region's centre gets it then,
where there is one, and its answer is the institution's; otherwise the number is our own.
"""

import json
from collections import Counter

from api.his.transactions.bills import named_bill
from api.his.transactions.persons import POOL
from api.his.transactions.setlinfo import OWN_FUND, setldetail
from api.his.transactions.visits import named
from api.his.wire.call import Call, check_reply
from api.his.wire.envelope import Answered
from api.http.problems import ProblemError
from service.visit import settlement_lists

OURS = {OWN_FUND, *POOL.values()}
"""The funds that a bill of this service has; a list may have others."""


async def upload_list(call: Call) -> Answered:
    """4101: take a bill's list; the same bill has the same number each time.

    Raises:
        ProblemError: FIELD_INVALID: a fund's payments in it are not those of the bill.
    """
    settlement, facts = await named_bill(call)
    paid: Counter[str] = Counter()
    for row in setldetail(facts):
        paid[row["fund_pay_type"]] += row["fund_payamt"]
    stated: Counter[str] = Counter()
    for row in call.input["payinfo"]:
        if row["fund_pay_type"] and row["fund_payamt"] is not None:
            stated[row["fund_pay_type"]] += row["fund_payamt"]
    if any(stated[kind] != paid[kind] for kind in stated.keys() & OURS):
        raise ProblemError("FIELD_INVALID", field="fund_payamt")
    said = json.dumps(call.input, sort_keys=True, default=str).encode()
    reply = check_reply(
        await settlement_lists.upload_list(
            call.context, call.request(), named(call.first), settlement, said
        )
    )
    return call.answer({"data": {"setl_list_id": json.loads(reply.answer)}}, reply)
