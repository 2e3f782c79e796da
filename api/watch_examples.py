"""Examples of what agencies and auditors are told: erasures, accesses, signals."""

from typing import Any

WATCH_EXAMPLES: dict[str, dict[str, Any]] = {
    "ErasureReply": {
        "status": "erased",
        "reason": "retention_over",
        "legal_basis": "PIPL 47(1)(2)",
        "erased_on": "2026-03-02",
        "position": 1250,
    },
}
