"""One example of every answer, for the OpenAPI document. Tests hold them to their models."""

from typing import Any

from api.account.correction_schemas import CORRECTION_EXAMPLES
from api.account.statement_schemas import STATEMENT_EXAMPLES
from api.audit.event_feed_responses import EVENT_EXAMPLE
from api.audit.examples import AUDIT_EXAMPLES, WATCH_EXAMPLES
from api.binding.consent_routes import CONSENT_EXAMPLES, CONSENTS
from api.fhir import FHIR_EXAMPLES
from api.proof.schemas import PROOF_EXAMPLES
from api.settlement.examples import APPLIED, LATER_EXAMPLES, SETTLED_AT, SETTLEMENT_ID, SPLIT

BINDING = {
    "binding_id": "bnd_019c2f4b9c1d7e02b0c1d2e3f4051627",
    "sponsor": "P1002",
    "beneficiary": "P1001",
    "relation": "spouse",
    "uses": ["care", "premium"],
    "caps": {"per_settlement": "200.00", "per_day": None, "per_month": None, "per_year": None},
    "status": "active",
    "valid_from": "2026-03-01",
    "valid_until": None,
    "version": 2,
}
LINK: dict[str, Any] = {
    "link_id": "lnk_019c2f4d0b3e7c55a1b2c3d4e5f60718",
    "guardian": "P1002",
    "member": "P1004",
    "relation": "child",
    "status": "active",
    "opened_at": "2026-03-01T09:00:00.000+08:00",
    "closed_at": None,
    "version": 2,
}
SETTLEMENT: dict[str, Any] = (
    APPLIED | SPLIT | {"own_balance_after": "0.00", "settled_at": SETTLED_AT, "position": 1234}
)
PROBLEM: dict[str, Any] = {
    "type": "/problems/duplicate-claim",
    "title": "Duplicate claim",
    "status": 409,
    "detail": "该就诊的此收费批次已结算。",
    "instance": "urn:trace:5f2a9c0d1e3b4a67",
    "code": "DUPLICATE_CLAIM",
    "outcome": "not_applied",
    "trace_id": "5f2a9c0d1e3b4a67",
    "settlement_id": SETTLEMENT_ID,
}
SUMS = ("total", "fund_pay", "personal", "own", "aid", "cash")
LISTED = APPLIED | {
    "code": None,
    "visit": "mdtrt-1",
    "charge_batch": "1",
    "day": "2026-03-02",
    **{name: SPLIT[name] for name in SUMS},
    "recorded_at": SETTLED_AT,
    "cancelled_at": None,
    "version": 1,
    "position": 1234,
}
CODE = "H99000000001"
NO_SUMS = {"count": 0} | dict.fromkeys(("total", "fund_pay", "own", "aid", "cash"), "0.00")
DAY_SUMS: dict[str, Any] = {"count": 1} | {name: SPLIT[name] for name in SUMS if name != "personal"}
BILL = {"status": "settled"} | {name: SPLIT[name] for name in SUMS if name != "personal"}
RECONCILIATION = {
    "institution": CODE,
    "day": "2026-03-02",
    "final": True,
    "result": "different",
    "totals": {"service": DAY_SUMS, "institution": NO_SUMS},
    "equal": 0,
    "differences": [
        {
            "class": "SERVICE_ONLY",
            "key": None,
            "settlement_id": SETTLEMENT_ID,
            "service": BILL,
            "institution": None,
        }
    ],
    "returned": NO_SUMS | {"items": []},
}
CLEARING_DAY = {"settled": DAY_SUMS, "returned": NO_SUMS, "payable": "64.25"}
POLICY = {"region": "990000", "editions": [{"id": "p0/2020-01", "effective_on": "2020-01-01"}]}

EXAMPLES: dict[str, dict[str, Any]] = {
    "AccountReply": {
        "person_no": "P1001",
        "region": "990000",
        "insurance": "employee",
        "status": "normal",
        "flags": [],
        "balance": {"current": "300.00", "prior": "0.00", "held": "0.00", "available": "300.00"},
        "suspense": [],
        "version": 2,
        "position": 1230,
    },
    "OrderReply": {"sponsors": ["P1002", "P1003"], "version": 1, "position": 1231},
    "KinshipReply": {
        "person_no": "P1002",
        "relative": "P1001",
        "relation": "spouse",
        "position": 1229,
    },
    "BindingReply": BINDING | {"position": 1232},
    "BindingWithConsentsReply": BINDING | {"consents": CONSENTS, "position": 1232},
    "BindingsReply": {"items": [BINDING], "next": None},
    "LinkReply": LINK | {"version": 1, "position": 1220},
    "LinksReply": {"items": [LINK], "next": None},
    "LinkWithDisplaysReply": LINK
    | {
        "position": 1232,
        "displays": [
            {
                "shown_at": "2026-03-02T10:10:00.000+08:00",
                "expires_at": "2026-03-02T10:25:00.000+08:00",
                "channel": "http",
                "settlements": [SETTLEMENT_ID],
            }
        ],
    },
    "CodeReply": {
        "link_id": LINK["link_id"],
        "code": "MFRGG2LTMVZHI33VMJQW4ZJAMNXWIZJAN5XGYIDF",
        "expires_at": "2026-03-02T10:25:00.000+08:00",
        "position": 1232,
    },
    "QuoteReply": SPLIT
    | {
        "plan_hash": "AAZMBUGnFkDZkP0kmr1m5g3NqYb0cQYJm2u1C5a0l3x9mQ1bX0m8m1cKk1lO2uS0fV7wQ3dE1aZ",
        "expires_at": "2026-03-02T10:30:03.120+08:00",
        "position": 1233,
    },
    "SettlementReply": SETTLEMENT,
    "SettlementsReply": {"items": [LISTED], "next": None},
    "BatchReply": {
        "items": [
            {
                "key": "bill-1",
                "status_code": 201,
                "outcome": "applied",
                "replayed": False,
                "settlement": SETTLEMENT,
            },
            {"key": "bill-2", "status_code": 409, "outcome": "not_applied", "problem": PROBLEM},
        ]
    },
    "EventReply": EVENT_EXAMPLE,
    "PartReply": APPLIED | {"settled_at": SETTLED_AT, "paid_by_you": "44.25", "position": 1235},
    "RefusedReply": {
        "settlement_id": SETTLEMENT_ID,
        "status": "refused",
        "outcome": "not_applied",
        "code": "DUPLICATE_CLAIM",
        "position": 1236,
    },
    "CancellationReply": APPLIED
    | {
        "status": "cancelled",
        "returned": {"own": "20.00", "aid": "44.25", "cash": "0.00"},
        "own_balance_after": "20.00",
        "cancelled_at": SETTLED_AT,
        "reason": "wrong patient",
        "position": 1240,
    },
    "PremiumReply": {
        "premium_id": "prm_019c2f4be1a07d3b9a2f60c1d2e3f406",
        "sponsor": "P1002",
        "payee": "P1004",
        "insurance": "resident_basic",
        "year": 2027,
        "amount": "400.00",
        "status": "confirmed",
        "reason": None,
        "receipt": "TAX-2026-000123",
        "policy_edition": "p0/2020-01",
        "held_at": "2026-10-05T09:30:00.120+08:00",
        "confirmed_at": "2026-10-05T09:30:00.480+08:00",
        "version": 3,
        "position": 1250,
    },
    "InstitutionReply": {
        "code": CODE,
        "name": "第一人民医院",
        "class": "hospital",
        "region": "990000",
        "status": "active",
        "opened_regions": [],
        "sensitive": False,
        "dialect": {
            "mulaid_mode": "contained",
            "fund_includes_acct": False,
            "numbers": True,
            "stmt_rslt": "national",
        },
        "signature": {"style": "x-tif", "paasid": "hosp_paas", "has_secret": True},
        "version": 1,
        "position": 1201,
    },
    "ReconciliationReply": RECONCILIATION,
    "ClearedReply": {"institution": CODE, "cleared_through": "2026-03-31", "position": 1260},
    "ClearingReply": CLEARING_DAY
    | {
        "institution": CODE,
        "name": "第一人民医院",
        "month": "2026-03",
        "days": [{"day": "2026-03-02"} | CLEARING_DAY],
        "cleared_through": None,
    },
    "PolicyReply": POLICY,
    "LiveReply": {"status": "alive"},
    "ReadyReason": {
        "code": "FOLLOWER_PARKED",
        "detail": "signals: 1 event parked, the first at position 812",
    },
    "ReadyReply": {"status": "ready", "position": 1234, "reasons": []},
    "UnreadyReply": {
        "status": "unready",
        "code": "NOT_READY",
        "reasons": [{"code": "LEDGER_UNREACHABLE", "detail": "StoreUnavailableError"}],
    },
    "Problem": PROBLEM,
    **LATER_EXAMPLES,
    **STATEMENT_EXAMPLES,
    **CORRECTION_EXAMPLES,
    **FHIR_EXAMPLES,
    **PROOF_EXAMPLES,
    **CONSENT_EXAMPLES,
    **WATCH_EXAMPLES,
    **AUDIT_EXAMPLES,
}
"""Examples by the name of the model. FastAPI would drop their nulls; they are put in afterwards."""
