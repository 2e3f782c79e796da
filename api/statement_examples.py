"""Examples of a statement and of a patient's bills."""

from typing import Any

from api.examples_parts import SETTLED_AT, SETTLEMENT_ID

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
