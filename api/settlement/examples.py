"""Examples of what is answered about a bill later; the parts are those of `examples.py`."""

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

LATER_EXAMPLES: dict[str, dict[str, Any]] = {
    "FsiReply": {
        "infcode": 0,
        "inf_refmsgid": "990000202603021015030000001234",
        "refmsg_time": "20260302101503100",
        "respond_time": "20260302101503120",
        "err_msg": "success",
        "warn_msg": None,
        "cainfo": None,
        "signtype": None,
        "enctype": None,
        "exp_content": None,
        "output": {"signinoutb": {"sign_time": "2026-03-02 10:15:03", "sign_no": "5E9A"}},
    },
    "RefundReply": APPLIED
    | {
        "status": "part_refunded",
        "refunded": {
            "amount": "14.25",
            "own": "0.00",
            "aid": "14.25",
            "cash": "0.00",
            "payers": [
                {"rank": 0, "role": "own", "amount": "0.00"},
                {"rank": 1, "role": "sponsor", "amount": "14.25"},
            ],
        },
        "stays": {
            "total": "114.25",
            "fund_pay": "64.25",
            "personal": "50.00",
            "own": "20.00",
            "aid": "30.00",
            "cash": "0.00",
            "payers": [
                {"rank": 0, "role": "own", "amount": "20.00"},
                {"rank": 1, "role": "sponsor", "amount": "30.00"},
            ],
        },
        "reason": "one box returned",
        "position": 1241,
    },
    "ReplacementReply": APPLIED
    | SPLIT
    | {
        "own_balance_after": "0.00",
        "settled_at": SETTLED_AT,
        "replaces": "stl_019c2f4b77b07c1184a2b3c4d5e6f708",
        "returned": {"own": "20.00", "aid": "54.25", "cash": "0.00"},
        "position": 1244,
    },
    "ReversalReply": {
        "settlement_id": SETTLEMENT_ID,
        "status": "reversed",
        "outcome": "applied",
        "tombstone": False,
        "returned": {"own": "20.00", "aid": "44.25", "cash": "0.00"},
        "position": 1242,
    },
    "HoldReply": SPLIT
    | {
        "hold_id": "hld_019c2f4be1a07d3b9a2f60c1d2e3f405",
        "status": "held",
        "outcome": "applied",
        "held_at": SETTLED_AT,
        "expires_at": "2026-03-02T10:30:03.120+08:00",
        "settlement_id": None,
        "position": 1243,
    },
}
