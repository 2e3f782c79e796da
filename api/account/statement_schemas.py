"""What a person is told of his money: the statement of his account, and his bills."""

from typing import Any, Literal

from api.http.schemas import ApiModel
from api.settlement.examples import SETTLED_AT, SETTLEMENT_ID
from api.settlement.responses import ReturnedReply

ENTRY = {
    "position": 1234,
    "recorded_at": SETTLED_AT,
    "kind": "debited",
    "amount": "-44.25",
    "current": "-44.25",
    "prior": "0.00",
    "balance_after": "255.75",
    "aside": "0.00",
    "settlement_id": SETTLEMENT_ID,
    "binding_id": "bnd_019c2f4b9c1d7e02b0c1d2e3f4051627",
    "reference": None,
    "beneficiary": "李*",
    "institution": None,
    "institution_class": "hospital",
    "text": "2026-03-02 为被共济人李*支付 44.25 元(医疗机构)",
}
BILL = {
    "settlement_id": SETTLEMENT_ID,
    "status": "part_refunded",
    "day": "2026-03-02",
    "treated_at": "2026-03-02T10:15:00.000+08:00",
    "institution": "第一人民医院",
    "institution_class": "hospital",
    "total": "128.50",
    "fund_pay": "64.25",
    "personal": "64.25",
    "own": "20.00",
    "aid": "44.25",
    "cash": "0.00",
    "sponsors": [{"name": "张*", "amount": "44.25", "returned": "14.25"}],
    "returned": {"amount": "14.25", "own": "0.00", "aid": "14.25", "cash": "0.00"},
    "text": "2026-03-02 在第一人民医院就诊,共 128.50 元:医保基金支付 64.25 元,"
    "本人账户支付 20.00 元,配偶张*为您支付 44.25 元。已退回 14.25 元:共济账户 14.25 元。",
    "position": 1234,
}
STATEMENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "EntriesReply": {"items": [ENTRY], "next": None},
    "BillsReply": {"items": [BILL], "next": None},
}

InstitutionClass = Literal["hospital", "pharmacy", "checkup"]


class ListedEntry(ApiModel):
    """What moved an account's money, signed, and the balance after it, in yuan.

    `aside` came back and could not be credited: it is kept aside and no part of the balance.
    `reference` names a premium, a correction, a ticket of money kept aside, or the year that
    was closed. `beneficiary` is masked. Of a beneficiary's bill `institution` is null where
    only its class may be seen. `text` says it all in the caller's language.
    """

    position: int
    recorded_at: str
    kind: Literal[
        "credited",
        "debited",
        "returned",
        "year_closed",
        "corrected",
        "premium_debited",
        "premium_returned",
        "set_aside",
        "paid_out",
    ]
    amount: str
    current: str
    prior: str
    balance_after: str
    aside: str
    settlement_id: str | None
    binding_id: str | None
    reference: str | None
    beneficiary: str | None
    institution: str | None
    institution_class: InstitutionClass | None
    text: str


class EntriesReply(ApiModel):
    """A page of an account's statement, newest first."""

    items: list[ListedEntry]
    next: str | None


class SponsorPart(ApiModel):
    """What a sponsor paid of a bill, and what of it went back; the name is masked.

    `name` is null where the person was erased.
    """

    name: str | None
    amount: str
    returned: str


class BillReturned(ReturnedReply):
    """What of a bill went back: the sum, and by who had paid it."""

    amount: str


class PatientBillReply(ApiModel):
    """A patient's bill as it was settled, who paid what of it, and what went back since."""

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    day: str
    treated_at: str
    institution: str
    institution_class: InstitutionClass
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    sponsors: list[SponsorPart]
    returned: BillReturned
    text: str
    position: int


class BillsReply(ApiModel):
    """A page of a patient's bills, newest first."""

    items: list[PatientBillReply]
    next: str | None
