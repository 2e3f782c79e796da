"""Cases whose rule is not built yet. Each must fail today, so that the list cannot rot."""

KINSHIP = "kinship register and its evidence are not built"
LINKS = "kin links (policy.md §5) are not built"
FILING = "off-site filing and classes of persons are not built"
LASTING = "length and renewal of bindings are not built"
PARENTS = "father and mother by the ID number are not counted"

LATER = {
    "K24": "doubt: BALANCE_DESC orders by what is above the reserve",
    "K100": "doubt: relation_max counts on the sponsor's side alone",
    "S27a": LINKS,
    "S28": LINKS,
    "S93b": FILING,
    "K136": FILING,
    "S100b": "an account's end does not end its bindings yet",
    "S73": "bug: a cancellation pays into a closed account (refund_to_ended_account)",
    "S75a": "bug: a cancellation after New Year pays into the new year's bucket",
    "K09": "REJECT_BINDING is not built",
    "K57": "hold_on_quote is not built",
    "K82": "max_lifetime_distinct_beneficiaries is not built",
    "K84": PARENTS,
    "K85": PARENTS,
    "K89": LASTING,
    "K90": LASTING,
    "K91": LASTING,
    "K92": "rebind_lock_days is not built",
    "K93": "changes_per_year is not built",
    "K94": KINSHIP,
    "K95": KINSHIP,
}
"""Id and why it waits."""
