"""Cases whose rule is not built yet. Each must fail today, so that the list cannot rot."""

LINKS = "kin links (policy.md §5) are not built"

LATER = {
    "S27a": LINKS,
    "S28": LINKS,
    "K57": "hold_on_quote is not built",
}
"""Id and why it waits."""
