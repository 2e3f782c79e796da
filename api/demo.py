"""Three families of Ngari and a day of their bills, told in plain words.

Everything goes through the use cases that HTTP calls; nothing is put in beside them.
"""

import hashlib
import json
from typing import Any, NamedTuple

from aggregates.vocabulary import (
    Bucket,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    Relation,
    Use,
)
from service import accounts, bindings, deduction_order, institutions, settle
from service.bindings import Caps, Invite, Offer
from service.caller import Caller, Request, agency, institution, person
from service.claims import Identity, SettleBill
from service.house import House
from service.ids import stream_of
from service.ledger.command import Reply
from service.look import is_key_used
from service.persons import Personal
from service.relatives import RecordKinship, record_kinship

REGION = "542500"
AGENCY = agency("demo", REGION)
HOSPITAL, PHARMACY = "H54250000001", "P54250000001"


class Member(NamedTuple):
    """A person of the demo; `fen` is his balance, None for a resident without an account."""

    number: str
    zh: str
    en: str
    fen: int | None


class Grant(NamedTuple):
    """Who stands behind whom, as what, and the most he lets one bill take (fen)."""

    sponsor: str
    beneficiary: str
    relation: Relation
    cap_fen: int | None = None


class Bill(NamedTuple):
    """A bill of the day, in fen, and what it is."""

    patient: str
    place: str
    med_type: str
    total_fen: int
    fund_fen: int
    zh: str
    en: str


MEMBERS = (
    Member("DEMO01", "李华", "Li Hua", 2000),
    Member("DEMO02", "张敏", "Zhang Min", 50000),
    Member("DEMO03", "王小雨", "Wang Xiaoyu", None),
    Member("DEMO04", "王强", "Wang Qiang", 3000),
    Member("DEMO05", "刘芳", "Liu Fang", 50000),
    Member("DEMO06", "赵奶奶", "Grandmother Zhao", 0),
    Member("DEMO07", "赵军", "Zhao Jun", 80000),
    Member("DEMO08", "赵丽", "Zhao Li", 1000),
)
GRANTS = (
    Grant("DEMO02", "DEMO01", Relation.SPOUSE),
    Grant("DEMO04", "DEMO03", Relation.CHILD),
    Grant("DEMO05", "DEMO03", Relation.CHILD),
    Grant("DEMO07", "DEMO06", Relation.PARENT, 5000),
    Grant("DEMO08", "DEMO06", Relation.PARENT),
)
ORDERS = (("DEMO03", ("DEMO04", "DEMO05")), ("DEMO06", ("DEMO07", "DEMO08")))
BILLS = (
    Bill("DEMO01", HOSPITAL, "11", 12850, 6425, "在医院看门诊", "sees a doctor"),
    Bill("DEMO03", HOSPITAL, "11", 20000, 10000, "发烧看急诊", "has a fever"),
    Bill("DEMO06", PHARMACY, "41", 8000, 0, "在药店买降压药", "buys blood-pressure tablets"),
    Bill("DEMO02", PHARMACY, "41", 3550, 0, "在药店买感冒药", "buys cold medicine"),
)


async def tell_a_day(house: House) -> None:
    """Load the families into an empty ledger and settle their day; told only once."""
    if await house.store.position() > _published(house) and not await _is_half_told(house):
        return
    print("演示:三个家庭的一天 · Demo: a day of three families\n")
    day = _Day(house)
    await day.prepare()
    for bill in BILLS:
        _tell(bill, await day.settle(bill))


def _published(house: House) -> int:
    regions = house.policies.regions()
    return sum(len(house.policies.editions(region)) for region in regions)


async def _is_half_told(house: House) -> bool:
    """Whether a demo was begun and its end was never reached."""
    last = BILLS[-1]
    begun = await is_key_used(house, AGENCY, f"demo:account:{MEMBERS[0].number}")
    ended = await is_key_used(house, institution(last.place), f"demo:bill:{last.patient}")
    return begun and not ended


class _Day:
    """The demo's requests, each with a key of its own."""

    def __init__(self, house: House) -> None:
        self._house = house

    def _request(self, caller: Caller, key: str) -> Request:
        return Request(caller, f"demo:{key}", hashlib.sha256(key.encode()).digest(), "demo")

    async def prepare(self) -> None:
        """Accounts, money, bindings and orders."""
        house = self._house
        for code, kind in (
            (HOSPITAL, InstitutionKind.HOSPITAL),
            (PHARMACY, InstitutionKind.PHARMACY),
        ):
            await institutions.designate(
                house, self._request(AGENCY, f"institution:{code}"), _designation(code, kind)
            )
        for member in MEMBERS:
            await accounts.open_account(
                house, self._request(AGENCY, f"account:{member.number}"), _opening(member)
            )
            if member.fen:
                money = accounts.CreditAccount(
                    person_no=member.number,
                    amount_fen=member.fen,
                    bucket=Bucket.CURRENT,
                    reference=None,
                )
                await accounts.credit(
                    house, self._request(AGENCY, f"credit:{member.number}"), money
                )
        for grant in GRANTS:
            await self._bind(grant)
        for patient, sponsors in ORDERS:
            request = self._request(person(house.keys, patient), f"order:{patient}")
            await deduction_order.change_order(house, request, patient, sponsors, None)

    async def _bind(self, grant: Grant) -> None:
        house = self._house
        name = f"{grant.sponsor}:{grant.beneficiary}"
        fact = RecordKinship(
            person_no=grant.sponsor, relative=grant.beneficiary, relation=grant.relation
        )
        await record_kinship(house, self._request(AGENCY, f"kinship:{name}"), fact)
        offer = Offer(
            relation=grant.relation,
            uses=(Use.CARE, Use.PREMIUM),
            caps=Caps(per_settlement_fen=grant.cap_fen),
            valid_from=None,
            valid_until=None,
        )
        invited = await bindings.invite(
            house,
            self._request(person(house.keys, grant.sponsor), f"invite:{name}"),
            Invite(sponsor=None, beneficiary=grant.beneficiary, offer=offer),
        )
        binding_id = stream_of("bnd", json.loads(invited.answer)["binding_id"])
        request = self._request(person(house.keys, grant.beneficiary), f"confirm:{name}")
        await bindings.confirm(house, request, binding_id)

    async def settle(self, bill: Bill) -> Reply:
        """One bill of the day."""
        request = self._request(institution(bill.place), f"bill:{bill.patient}")
        return await settle.settle(self._house, request, _bill(bill, self._house))


def _designation(code: str, kind: InstitutionKind) -> institutions.Designate:
    return institutions.Designate(
        code=code,
        name="阿里地区人民医院" if kind is InstitutionKind.HOSPITAL else "狮泉河大药房",
        kind=kind,
        region=REGION,
        status=InstitutionStatus.ACTIVE,
        opened_regions=(),
        sensitive=False,
    )


def _opening(member: Member) -> accounts.OpenAccount:
    return accounts.OpenAccount(
        personal=Personal(member.number, member.zh, f"DEMO-{member.number}"),
        insurance=Insurance.RESIDENT if member.fen is None else Insurance.EMPLOYEE,
        region=REGION,
        status="NORMAL",
        flags=(),
    )


def _bill(bill: Bill, house: House) -> SettleBill:
    return SettleBill(
        beneficiary=Identity("person_no", bill.patient),
        visit=f"demo-{bill.patient}",
        charge_batch="1",
        med_type=bill.med_type,
        treated_at=house.clock().at,
        total_fen=bill.total_fen,
        fund_pay_fen=bill.fund_fen,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=b"",
    )


def _tell(bill: Bill, reply: Reply) -> None:
    """One settlement in words, in both languages."""
    told: dict[str, Any] = json.loads(reply.answer)
    who = {member.number: member for member in MEMBERS}
    patient = who[bill.patient]
    order = next((names for number, names in ORDERS if number == bill.patient), None)
    names = order or tuple(g.sponsor for g in GRANTS if g.beneficiary == bill.patient)
    print(f"{patient.zh}{bill.zh},总额 {told['total']} 元,统筹基金付 {told['fund_pay']} 元,")
    print(f"个人负担 {told['personal']} 元:")
    print(f"{patient.en} {bill.en}: {told['total']} in all, {told['fund_pay']} from the fund.")
    for payer in told["payers"]:
        payer_name = patient if payer["rank"] == 0 else who[names[payer["rank"] - 1]]
        label = f"  {payer['rank']}. {payer_name.zh} {payer_name.en}"
        print(f"{label}: {payer['amount']}" + (f"  ({payer['reason']})" if payer["reason"] else ""))
    print(f"  现金 cash: {told['cash']}   结算号 {told['settlement_id']}\n")
