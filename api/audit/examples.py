"""Examples of what auditors are answered."""

from typing import Any

from api.settlement.examples import SETTLED_AT, SETTLEMENT_ID

ACCOUNT = "acc_019c2f4a77b07c1184a2b3c4d5e6f708"
SPONSOR = "acc_019c2f4a77b17c1184a2b3c4d5e6f709"
BINDING_ID = "bnd_019c2f4b9c1d7e02b0c1d2e3f4051627"
AS_OF = {"position": 1234, "as_of": SETTLED_AT}
SPENT = {"on": "2026-03-02", "day": "44.25", "month": "44.25", "year": "44.25"}
STOOD: dict[str, Any] = {
    "account_id": ACCOUNT,
    "region": "990000",
    "insurance": "employee",
    "status": "normal",
    "flags": [],
    "balance": {"current": "0.00", "prior": "0.00", "held": "0.00", "available": "0.00"},
    "suspense": [],
    "version": 6,
    "last_position": 1233,
    "year": 2026,
    "year_is_open": False,
    "successor": None,
    "order": [BINDING_ID],
    "order_version": 1,
    "invitations": [],
    "sponsors": [
        {
            "binding_id": BINDING_ID,
            "account": SPONSOR,
            "relation": "spouse",
            "linked_at": "2026-03-01T09:00:00.000+08:00",
        }
    ],
    "beneficiaries": [],
    "lent": None,
    "received": SPENT,
    "holds": [],
    "filings": [],
}
TIE = {"binding_id": BINDING_ID, "account": ACCOUNT, "relation": "spouse", "used": SPENT}
BEHIND = STOOD | {
    "account_id": SPONSOR,
    "order": None,
    "order_version": 0,
    "sponsors": [],
    "beneficiaries": [TIE],
    "lent": SPENT,
    "received": None,
}
BOUND: dict[str, Any] = {
    "binding_id": BINDING_ID,
    "sponsor": SPONSOR,
    "beneficiary": ACCOUNT,
    "relation": "spouse",
    "uses": ["care", "premium"],
    "caps": {"per_settlement": "200.00", "per_day": None, "per_month": None, "per_year": None},
    "status": "active",
    "valid_from": "2026-03-01",
    "valid_until": None,
    "version": 2,
    "last_position": 1210,
}
DEBIT: dict[str, Any] = {
    "position": 1231,
    "recorded_at": SETTLED_AT,
    "step": "settlement",
    "text": "本人账户支付 20.00 元",
    "stream": ACCOUNT,
    "version": 5,
    "topic": "account.debited/1",
    "actor": "institution:H99000000001",
    "on_behalf_of": None,
    "channel": "http",
    "reason": None,
    "editions": None,
    "read": None,
    "event": {
        "settlement": SETTLEMENT_ID,
        "binding": None,
        "current_fen": 2000,
        "prior_fen": 0,
        "on": "2026-03-02",
    },
    "decided_again": None,
}
CANCELLED = DEBIT | {
    "position": 1240,
    "step": "cancellation",
    "text": "全部撤销:wrong patient",
    "stream": SETTLEMENT_ID,
    "version": 2,
    "topic": "settlement.cancelled/1",
    "reason": "wrong patient",
    "event": {"reason": "wrong patient"},
    "decided_again": {"same": True, "differences": []},
}
AUDIT_EXAMPLES: dict[str, dict[str, Any]] = {
    "StoryReply": {
        "settlement_id": SETTLEMENT_ID,
        "status": "cancelled",
        "decided_again": True,
        "events": [DEBIT, CANCELLED],
        "position": 1240,
    },
    "AccountAsOfReply": STOOD | AS_OF,
    "BindingAsOfReply": BOUND | AS_OF,
    "FamilyAsOfReply": AS_OF
    | {"beneficiary": STOOD, "sponsors": [{"binding": BOUND, "account": BEHIND}]},
    "InstitutionAsOfReply": AS_OF
    | {
        "institution_id": "ins_019c2f4a77b27c1184a2b3c4d5e6f70a",
        "code": "H99000000001",
        "name": "第一人民医院",
        "class": "hospital",
        "region": "990000",
        "status": "active",
        "opened_regions": [],
        "sensitive": False,
        "cleared_through": None,
        "version": 1,
        "last_position": 1201,
    },
    "ReplayReply": {
        "replay_id": "rpl_5f2a9c0d1e3b4a67",
        "status": "done",
        "as_of": None,
        "started_at": SETTLED_AT,
        "ended_at": "2026-03-02T10:15:04.120+08:00",
        "progress": {"done": 1240, "of": 1240},
        "result": "different",
        "report": {
            "position": 1240,
            "events": 1240,
            "decided_again": {"settlement.settled/1": 26},
            "folded_only": {"account.debited/1": 40},
            "money_fen": {"accounts_fen": 4425, "owed_fen": 575, "came_in_fen": 5000},
            "compared": {"heads": 120, "keys": 29, "names": 158},
            "read_models": {"statements": 0},
            "difference_count": 1,
            "differences": [
                {
                    "position": None,
                    "stream": ACCOUNT,
                    "in": "BALANCE",
                    "stored": "current, prior (1, 0)",
                    "made": "current, prior (0, 0)",
                }
            ],
        },
    },
}

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
