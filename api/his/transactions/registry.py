"""The handler of each transaction."""

from collections.abc import Awaitable, Callable

from api.his.transactions import bills, chronic, persons, queries, reversals, sign_in, visits
from api.his.transactions import reconciliation as books
from api.his.transactions import settlement_lists as lists
from api.his.wire.call import Call, Handler

FILES: dict[str, Callable[[Call], Awaitable[bytes]]] = {"9102": books.download}

REGISTER = frozenset({"2503", "2504", "3260", "5205", "5301"})
"""What a region's centre answers where there is one: the register of chronic diseases and their
drugs, and the bills of people insured elsewhere.
"""

PASSED_ON = frozenset({"4101"})
"""What is checked and kept here, and then answered by the region's centre where there is one."""

HANDLERS: dict[str, Handler] = {
    "9001": sign_in.sign_in,
    "9002": sign_in.sign_out,
    "1101": persons.psn_info,
    "1162": persons.decode,
    "1201": persons.medins,
    "2001": persons.benefit,
    "2101": bills.quote,
    "2102": bills.settle,
    "2103": bills.cancel_bill,
    "2201": visits.register,
    "2202": visits.withdraw,
    "2203": visits.describe,
    "2204": visits.upload,
    "2205": visits.withdraw_fees,
    "2206": bills.quote,
    "2207": bills.settle,
    "2208": bills.cancel_bill,
    "2301": visits.upload,
    "2302": visits.withdraw_fee_lines,
    "2303": bills.quote,
    "2304": bills.settle,
    "2305": bills.cancel_bill,
    "2401": visits.admit,
    "2402": visits.discharge,
    "2403": visits.describe,
    "2404": visits.withdraw,
    "2405": visits.reopen,
    "2503": chronic.file_disease,
    "2504": chronic.withdraw_filing,
    "2601": reversals.reverse_message,
    "3201": books.totals,
    "3202": books.details,
    "3203": books.apply_for_clearing,
    "3204": books.withdraw_clearing,
    "3260": books.bills_elsewhere,
    "4101": lists.upload_list,
    "5201": queries.visits,
    "5202": queries.diagnoses,
    "5203": bills.query_bill,
    "5204": queries.fees,
    "5205": queries.chronic_drugs,
    "5206": queries.sums,
    "5301": chronic.filings,
    "5303": queries.stays,
    "9101": books.upload,
    "GJ01": reversals.query_message,
}
