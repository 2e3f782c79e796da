"""Examples of what agencies and auditors are told: erasures, accesses, signals."""

from typing import Any

ACCOUNT = "acc_019c2f4a77b07c1184a2b3c4d5e6f708"
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
    "streams": [ACCOUNT],
    "trace_id": "5f2a9c0d1e3b4a67",
}

WATCH_EXAMPLES: dict[str, dict[str, Any]] = {
    "ErasureReply": {
        "status": "erased",
        "reason": "retention_over",
        "legal_basis": "PIPL 47(1)(2)",
        "erased_on": "2026-03-02",
        "position": 1250,
    },
    "AccessesReply": {"items": [ACCESS], "next": None},
}
