"""Amounts: strings of yuan with two decimals on the wire, whole fen in programs."""

import re

AMOUNT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]{2}", re.ASCII)


def fen(amount: str) -> int:
    """Count an amount in fen: `"64.25"` is 6425.

    Raises:
        ValueError: it is not a string of yuan with two decimals.
    """
    if AMOUNT.fullmatch(amount) is None:
        raise ValueError("an amount is yuan with two decimals, such as 64.25")
    return int(amount.replace(".", ""))


def yuan(amount_fen: int) -> str:
    """Write fen as the service does: 6425 is `"64.25"`."""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole}.{rest:02}"
