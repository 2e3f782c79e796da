"""Which handler answers which transaction."""

from api.his import bills, persons, reversals, signing_in, visits
from api.his.call import Handler

HANDLERS: dict[str, Handler] = {
    "9001": signing_in.sign_in,
    "9002": signing_in.sign_out,
    "1101": persons.psn_info,
    "1162": persons.decode,
    "1201": persons.medins,
    "2001": persons.benefit,
    "2101": bills.try_purchase,
    "2102": bills.settle_purchase,
    "2103": bills.take_back,
    "2201": visits.register,
    "2202": visits.withdraw,
    "2203": visits.describe,
    "2204": visits.upload,
    "2205": visits.take_back,
    "2206": bills.try_visit,
    "2207": bills.settle_visit,
    "2208": bills.take_back,
    "2301": visits.upload,
    "2302": visits.take_back_lines,
    "2303": bills.try_visit,
    "2304": bills.settle_visit,
    "2305": bills.take_back,
    "2401": visits.admit,
    "2402": visits.discharge,
    "2403": visits.describe,
    "2404": visits.withdraw,
    "2405": visits.reopen,
    "2601": reversals.undo,
    "5203": bills.look,
    "5301": persons.chronic,
    "GJ01": reversals.ask,
}
