"""A region's rules as a plain dictionary with the keys of policy.md §3.2. Amounts in fen."""

from collections.abc import Mapping
from datetime import date
from typing import Any

Rules = Mapping[str, Any]

P0: Rules = {
    "money_model": "ON_DEMAND",
    "pool_floor_fen": 0,
    "pool_min_transfer_fen": None,
    "pool_transfers_per_month": None,
    "own_buckets_order": "CURRENT_THEN_PRIOR",
    "sponsor_buckets": "ALL",
    "own_allocation": "INELIGIBLE_FIRST",
    "account_unused_means": "NO_ACCOUNT_NO_AID",
    "order_strategy": "BENEFICIARY_SET",
    "order_missing": "FALLBACK",
    "order_fallback": "BIND_TIME_ASC",
    "order_then": None,
    "second_swipe_minutes": None,
    "max_payers_per_settlement": None,
    "single_payer_shortfall": "USE_PARTIAL",
    "reserve_fen": 0,
    "cap_per_settlement_fen": None,
    "cap_per_day_fen": None,
    "cap_per_month_fen": None,
    "cap_per_year_fen": None,
    "cap_scope": "PER_BINDING",
    "cap_set_by": "REGION_AND_SPONSOR",
    "cap_on_exceed": "CLAMP",
    "sponsor_cap_scope": "PER_BINDING",
    "insurance_year_from": "01-01",
    "resident_balance": False,
    "sponsor_status_ok": ("NORMAL", "RETIRED"),
    "beneficiary_status_ok": ("NORMAL", "RETIRED"),
    "sponsor_suspended_usable": False,
    "item_category_rule": {
        "drug": "OWN_AND_AID",
        "service": "OWN_AND_AID",
        "device": "OWN_AND_AID",
        "consumable": "OWN_AND_AID",
    },
    "item_part_rule": {
        "in_scope": "OWN_AND_AID",
        "pre_self_pay": "OWN_AND_AID",
        "over_limit": "OWN",
        "full_self_pay": "OWN",
    },
    "bucket_rules": (),
    "aid_with_fund_pay": True,
    "premium_standard_fen": 40_000,
    "premium_window": ((9, 1), (12, 31)),
    "premium_reverse_min_age_minutes": 120,
    "premium_reverse_block": ("BENEFIT_USED", "CLEARED", "SPONSOR_ENDED", "WINDOW_CLOSED"),
    "refund_mode": ("FULL_RESETTLE", "PARTIAL_RECAST"),
    "refund_window": "UNTIL_CLEARED",
    "refund_to_closed": "SUSPENSE",
    "refund_to_frozen": "CREDIT",
    "refund_bucket_after_rollover": "CARRY_TO_PRIOR",
    "on_plan_change": "REJECT",
    "quote_ttl_seconds": 900,
    "hold_on_quote": False,
}
"""The base policy of the scenario tables (policy.md §8)."""


def year_of(day: date, rules: Rules) -> int:
    """The insurance year of a day: which of the years that begin by these rules is the last."""
    month, first = map(int, rules["insurance_year_from"].split("-"))
    return day.year if date(day.year, month, first) <= day else day.year - 1


def changed(**keys: Any) -> Rules:  # noqa: ANN401  a rule may be of any shape
    """P0 with some keys changed, "P0+x" in the tables."""
    assert set(keys) <= set(P0), sorted(set(keys) - set(P0))
    return {**P0, **keys}
