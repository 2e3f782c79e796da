"""Parts that several examples are made of."""

from typing import Any

SETTLEMENT_ID = "stl_019c2f4be1a07d3b9a2f60c1d2e3f405"
SPLIT: dict[str, Any] = {
    "total": "128.50",
    "fund_pay": "64.25",
    "personal": "64.25",
    "own": "20.00",
    "aid": "44.25",
    "cash": "0.00",
    "own_account": "used",
    "payers": [
        {"rank": 0, "role": "own", "amount": "20.00", "reason": None},
        {"rank": 1, "role": "sponsor", "amount": "44.25", "reason": None},
    ],
    "reasons": [],
    "policy_edition": "p0/2020-01",
}
APPLIED = {"settlement_id": SETTLEMENT_ID, "status": "settled", "outcome": "applied"}
SETTLED_AT = "2026-03-02T10:15:03.120+08:00"
