"""Rules and bills by chance, small enough that everything meets everything."""

from hypothesis import strategies as st

from tests.money_model.rules import Rules, changed

WAYS = ("CURRENT_THEN_PRIOR", "PRIOR_THEN_CURRENT", "CURRENT_ONLY", "PRIOR_ONLY")
PARTS = ("in_scope", "in_scope", "pre_self_pay", "over_limit", "full_self_pay")
CATEGORIES = ("drug", "drug", "service", "device", "other")
MODES = (
    ("PARTIAL_RECAST",),
    ("PARTIAL_PRORATA",),
    ("FULL_RESETTLE", "PARTIAL_RECAST"),
    ("FULL_RESETTLE", "PARTIAL_RECAST", "PARTIAL_PRORATA"),
    ("PARTIAL_PRORATA", "FULL_RESETTLE"),
    ("FULL_RESETTLE",),
)

fens = st.sampled_from([0, 1, 50, 100]) | st.integers(0, 150)
caps = st.none() | st.integers(0, 200)
windows = st.sampled_from(["UNLIMITED", "UNLIMITED", "UNTIL_CLEARED", "SAME_DAY"]) | st.builds(
    lambda days: {"days": days}, st.integers(0, 3)
)

EASY = {
    "own_buckets_order": st.sampled_from(WAYS),
    "sponsor_buckets": st.sampled_from(["ALL", "PRIOR_ONLY", "CURRENT_THEN_PRIOR"]),
    "own_allocation": st.sampled_from(["INELIGIBLE_FIRST", "ELIGIBLE_FIRST"]),
    "reserve_fen": st.sampled_from([0, 0, 40]),
    "cap_per_settlement_fen": caps,
    "cap_per_day_fen": caps,
    "cap_per_month_fen": st.none() | st.integers(100, 400),
    "cap_per_year_fen": st.none() | st.integers(150, 600),
    "cap_scope": st.sampled_from(["PER_BINDING", "PER_SPONSOR", "PER_BENEFICIARY"]),
    "cap_set_by": st.sampled_from(["REGION_AND_SPONSOR", "REGION", "SPONSOR"]),
    "sponsor_cap_scope": st.sampled_from(["PER_BINDING", "PER_SPONSOR"]),
    "max_payers_per_settlement": st.sampled_from([None, None, 1, 2]),
    "order_strategy": st.sampled_from(
        ["BENEFICIARY_SET", "BENEFICIARY_SET", "BIND_TIME_ASC", "BIND_TIME_DESC", "BALANCE_DESC"]
    ),
    "order_fallback": st.sampled_from(["BIND_TIME_ASC", "BIND_TIME_DESC", "BALANCE_DESC"]),
    "account_unused_means": st.sampled_from(["NO_ACCOUNT_NO_AID", "AID_ONLY"]),
    "refund_bucket_after_rollover": st.sampled_from(["CARRY_TO_PRIOR", "ORIGINAL_YEAR"]),
    "refund_to_closed": st.sampled_from(["SUSPENSE", "CREDIT"]),
    "refund_to_frozen": st.sampled_from(["CREDIT", "SUSPENSE"]),
    "on_plan_change": st.sampled_from(["REJECT", "RECOMPUTE"]),
}
"""Every key under which a smaller bill never has a payer that the larger did not have."""

PREMIUM = {
    "premium_standard_fen": st.sampled_from([7, 30, 40, 90, 150]),
    "premium_window": st.sampled_from(
        [((1, 1), (12, 31)), ((1, 1), (12, 31)), ((9, 1), (12, 31)), ((12, 1), (2, 28))]
    ),
    "premium_reverse_min_age_minutes": st.sampled_from([0, 1, 120]),
    "premium_reverse_block": st.lists(
        st.sampled_from(["SPONSOR_ENDED", "WINDOW_CLOSED"]), unique=True
    ).map(lambda some: ("BENEFIT_USED", "CLEARED", *some)),
}
"""Every key that decides about premiums, within what families have; what the tax side knows
blocks everywhere."""

BUCKET_RULE = st.fixed_dictionaries(
    {"bucket": st.sampled_from(["current", "prior"]), "whose": st.sampled_from(["OWN", "AID"])},
    optional={
        "parts": st.lists(st.sampled_from(PARTS), min_size=1, max_size=3, unique=True),
        "categories": st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3, unique=True),
    },
)
HARD = {
    **EASY,
    "bucket_rules": st.lists(BUCKET_RULE, max_size=5),
    "aid_with_fund_pay": st.sampled_from([True, True, False]),
    "cap_on_exceed": st.sampled_from(["CLAMP", "SKIP"]),
    "single_payer_shortfall": st.sampled_from(["USE_PARTIAL", "SKIP_TO_FIRST_THAT_COVERS"]),
    "sponsor_suspended_usable": st.booleans(),
    "resident_balance": st.booleans(),
    "insurance_year_from": st.sampled_from(["01-01", "01-01", "01-03", "02-01", "07-01", "12-31"]),
    "refund_mode": st.sampled_from(MODES),
    "second_swipe_minutes": st.sampled_from([None, 1, 15]),
    "refund_window": windows,
}
"""Every key that decides about money."""


POOL = {
    "money_model": st.sampled_from(["ON_DEMAND", "FAMILY_POOL"]),
    "pool_floor_fen": st.sampled_from([0, 0, 40]),
    "pool_min_transfer_fen": st.sampled_from([None, 5]),
    "pool_transfers_per_month": st.sampled_from([None, None, 2]),
}
"""Every key that decides about family pools, within what families have."""


def rules_by(
    keys: dict[str, st.SearchStrategy[object]],
    always: dict[str, st.SearchStrategy[object]] | None = None,
) -> st.SearchStrategy[Rules]:
    """P0 with any of these keys changed, and with all of those."""
    chosen = st.fixed_dictionaries(always or {}, optional=keys)
    return chosen.map(lambda values: changed(**values))


easy_rules = rules_by({**EASY, "refund_window": st.just("UNLIMITED")})
hard_rules = rules_by(HARD, {**PREMIUM, **POOL})
