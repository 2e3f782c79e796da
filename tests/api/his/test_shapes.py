"""A day of hospitals and pharmacies in every shape in which their systems write and read.

Each system makes its own sums. At the end the ledger has what they believe.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.caller import Role
from tests.api.clients import Desk, Who, a_binding, an_account, an_institution
from tests.api.his.client import His, RefusedError
from tests.api.his.day import Books
from tests.api.his.desks import CLOSED_NETWORK, a_wire
from tests.api.his.judge import bills
from tests.api.his.shapes import SHAPES, Shape, in_shape

OWN, AID = "40.00", "400.00"
"""What the patient and his spouse have in the morning."""


@dataclass
class Client:
    """An institution's system, and what it believes."""

    desk: Desk
    who: Who
    person: str
    his: His
    books: Books = field(init=False)
    paid: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open its books."""
        self.books = Books(self.his)

    async def ask(self, infno: str, sent: object) -> Any:  # noqa: ANN401 -- JSON
        """An output in which every bill is as this system computes it."""
        output = await self.his.ask(infno, sent)
        for bill in bills(output):
            fen = {name: round(bill[name] * 100) for name in SUMS}
            assert fen["psn_cash_pay"] == fen["psn_part_amt"] - fen["acct_pay"], infno
            parts = fen["fund_pay_sumamt"] + fen["psn_part_amt"] + fen["hosp_part_amt"]
            assert fen["medfee_sumamt"] == parts, infno
            assert abs(fen["acct_mulaid_pay"]) <= abs(fen["acct_pay"]), infno
        return output

    async def pay(self, infno: str, sent: object) -> dict[str, Any]:
        """Settle, book, and name the bill."""
        info: dict[str, Any] = (await self.ask(infno, sent))["setlinfo"]
        self.books.book(info | {"psn_no": self.person})
        self.paid[f"fsi:{infno}:{self.his.told[-1][0]['msgid']}"] = info
        return {"psn_no": self.person} | {n: info[n] for n in ("setl_id", "mdtrt_id")}

    async def take_back(self, infno: str, bill: dict[str, Any]) -> None:
        """Cancel the bill that was paid last; everything is as it was before."""
        _, paid = self.paid.popitem()
        info = (await self.ask(infno, {"data": bill}))["setlinfo"]
        for name in SUMS:
            assert round(info[name] * 100) == -round(paid[name] * 100), (infno, name)
        self.books.book(info | {"psn_no": self.person}, is_refund=True)

    async def is_believed_by_the_ledger(self) -> None:
        """The other API shows the same sums of every bill, and 3201 and 3202 are equal."""
        for key, info in self.paid.items():
            path = f"/v1/settlements?key={key}"
            shown = (await self.desk.get(self.who, path)).json()
            aid, cash = info["acct_mulaid_pay"], info["psn_cash_pay"]
            assert [f"{info['acct_pay'] - aid:.2f}", f"{aid:.2f}", f"{cash:.2f}"] == [
                shown[name] for name in ("own", "aid", "cash")
            ]
            assert "settled" == shown["status"]
        assert await self.books.is_equal()
        rows = await self.books.compare()
        assert len(self.books.rows) == len(rows)
        assert {"0"} == {row[4] for row in rows}

    def sum_of(self, name: str) -> int:
        """The sum of a member over all bills that stand, in fen."""
        return sum(round(info[name] * 100) for info in self.paid.values())


SUMS = (
    *("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"),
    *("acct_pay", "acct_mulaid_pay", "psn_cash_pay"),
)


async def out_patients(one: Client) -> None:
    """A visit that is paid and looked at; a second bill of it that is taken back."""
    his, person = one.his, one.person
    visit = await his.register(person, "OP1")
    ill = [{"diag_srt_no": "1", "diag_code": "J06.900", "diag_name": "急性上呼吸道感染"}]
    head = {"psn_no": person, "mdtrt_id": visit, "med_type": "11", "begntime": his.now}
    await one.ask("2203", {"mdtrtinfo": head, "diseinfo": ill})
    lines = [his.fee(visit, person, "1", "128.20"), his.fee(visit, person, "2", "0.30")]
    await one.ask("2204", {"feedetail": lines})
    sent = his.bill(visit, person, "128.50")
    tried = (await one.ask("2206", sent))["setlinfo"]
    await is_shown(one, await one.pay("2207", sent), tried)
    with pytest.raises(RefusedError):
        await his.ask("2207", sent)
    assert -1 == (await his.send("2207", sent, path="/his/2207"))["infcode"]

    await one.ask("2204", {"feedetail": [his.fee(visit, person, "3", "9.90", chrg_bchno="2")]})
    before = await one.desk.balance(person)
    second = await one.pay("2207", his.bill(visit, person, "9.90", chrg_bchno="2"))
    await one.take_back("2208", second)
    assert before == await one.desk.balance(person)


async def is_shown(one: Client, bill: dict[str, Any], tried: dict[str, Any]) -> None:
    """5203, 5204 and 5201 name the bill, its lines and its visit as they were sent."""
    looked = (await one.ask("5203", {"data": bill}))["setlinfo"]
    assert [tried[name] for name in SUMS] == [looked[name] for name in SUMS]
    assert bill["setl_id"] == looked["setl_id"]
    rows = await one.ask("5204", {"data": bill})
    assert [128.2, 0.3] == [float(row["det_item_fee_sumamt"]) for row in rows]
    asked = {"psn_no": one.person, "mdtrt_id": bill["mdtrt_id"]}
    (found,) = (await one.ask("5201", {"data": asked}))["mdtrtinfo"]
    assert (bill["mdtrt_id"], one.his.now) == (found["mdtrt_id"], found["begntime"])


async def in_patients(one: Client) -> None:
    """A stay that is settled, taken back, settled again; the patient goes home."""
    his, person = one.his, one.person
    admission = his.registration(person, "IP1")["data"] | {"ipt_no": "IP1", "med_type": "21"}
    told = await one.ask("2401", {"mdtrtinfo": admission, "diseinfo": []})
    visit = told["result"]["mdtrt_id"]
    await one.ask("2301", {"feedetail": [his.fee(visit, person, "1", "1500.10")]})
    sent = his.bill(visit, person, "1500.10", mid_setl_flag="0")
    await one.ask("2303", sent)
    await one.take_back("2305", await one.pay("2304", sent))
    await one.pay("2304", sent)
    await one.ask("2402", {"dscginfo": {"psn_no": person, "mdtrt_id": visit, "endtime": his.now}})


async def buyers(one: Client) -> None:
    """A purchase that is taken back, and one that stands."""
    sent = one.his.purchase(one.person, "35.50", "INV1")
    await one.ask("2101", sent)
    await one.take_back("2103", await one.pay("2102", sent))
    await one.pay("2102", one.his.purchase(one.person, "8.10", "INV2"))


MakeClient = Callable[[Desk, Shape, int, str, str], Awaitable[Client]]
"""Makes a system: a desk, its shape, a number, its kind, and the patient."""


async def a_client(desk: Desk, shape: Shape, number: int, kind: str, person: str) -> Client:
    """A system of its own institution, in a shape, on a closed network."""
    who = await a_designated(desk, shape, number, kind, CLOSED_NETWORK)
    return Client(desk, who, person, His(who.subject, in_shape(shape, a_wire(desk))))


async def a_designated(
    desk: Desk, shape: Shape, number: int, kind: str, signature: dict[str, str] | None
) -> Who:
    """An institution that signs in a style; with a bearer token where none is given."""
    who = Who(Role.INSTITUTION, f"{kind[0].upper()}9900001{number:04d}")
    told = {"name": f"第{number}机构", "class": kind, "dialect": shape.dialect}
    await an_institution(desk, who, **told, **({"signature": signature} if signature else {}))
    return who


async def a_day(
    desk: Desk, shape: Shape, number: int, make: MakeClient = a_client
) -> tuple[Client, Client]:
    """A hospital and a pharmacy of a family; then everything is compared."""
    patient, spouse = f"3301{number:03d}", f"3302{number:03d}"
    await an_account(desk, patient, OWN)
    await an_account(desk, spouse, AID)
    await a_binding(desk, spouse, patient)
    hospital = await make(desk, shape, number, "hospital", patient)
    pharmacy = await make(desk, shape, number, "pharmacy", patient)
    await out_patients(hospital)
    await buyers(pharmacy)
    await in_patients(hospital)
    both = (hospital, pharmacy)
    for one in both:
        await one.is_believed_by_the_ledger()

    aid = sum(one.sum_of("acct_mulaid_pay") for one in both)
    own = sum(one.sum_of("acct_pay") for one in both) - aid
    left = [round(float(await desk.balance(each)) * 100) for each in (patient, spouse)]
    assert [4000 - own, 40000 - aid] == left
    assert sum(one.sum_of("psn_cash_pay") for one in both) > 0
    assert aid > 0
    return both


@pytest.mark.thorough
async def test_a_day_in_every_shape(desk_on_postgres: Desk) -> None:
    """Out-patients, a stay and a pharmacy, by systems that are at home elsewhere."""
    for number, shape in enumerate(SHAPES, 1):
        try:
            await a_day(desk_on_postgres, shape, number)
        except Exception as error:
            error.add_note(f"in the shape: {shape.name}")
            raise
