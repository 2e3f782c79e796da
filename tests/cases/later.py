"""Cases whose rule is not built yet. Each must fail today, so that the list cannot rot."""

LATER = {
    "K57": "hold_on_quote is not built",
}
"""Id and why it waits."""
