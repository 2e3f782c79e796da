"""Examples of what agencies and auditors are told: erasures, accesses, signals."""

from typing import Any

from api.examples_parts import SETTLEMENT_ID

WATCHED_ACCOUNT = "acc_019c2f4a77b07c1184a2b3c4d5e6f708"
ACCESS = {
    "access": 71,
    "at": "2026-03-02T10:20:03.120+08:00",
    "caller": "agency:a2",
    "role": "agency",
    "operation": "GET /v1/accounts/{person_no}",
    "status_code": 404,
    "refused": True,
    "codes": ["NOT_FOUND"],
    "purpose": "case-17",
    "streams": [WATCHED_ACCOUNT],
    "trace_id": "5f2a9c0d1e3b4a67",
}

SIGNAL: dict[str, Any] = {
    "kind": "QUICK_REFUND",
    "text": "多次购买后短时间内退费。",
    "position": 1310,
    "log": "events",
    "accounts": [WATCHED_ACCOUNT],
    "settlements": [SETTLEMENT_ID],
    "institutions": ["ins_019c2f4a00007c1184a2b3c4d5e6f708"],
    "positions": [1234, 1310],
    "figures": {"times": 3},
    "threshold": {"times": 3, "hours": 24, "days": 30},
    "source": "policy.md 6.4 (own)",
}
WATCH_EXAMPLES: dict[str, dict[str, Any]] = {
    "ErasureReply": {
        "status": "erased",
        "reason": "retention_over",
        "legal_basis": "PIPL 47(1)(2)",
        "erased_on": "2026-03-02",
        "position": 1250,
    },
    "SignalsReply": {"items": [SIGNAL], "next": None},
    "AccessesReply": {"items": [ACCESS], "next": None},
}
