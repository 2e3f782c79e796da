"""Amounts of the client: exact both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongji_client import fen, yuan


@given(st.integers())
def test_every_amount_comes_back(amount_fen: int) -> None:
    """Fen become a string with two decimals, and that becomes the same fen."""
    assert amount_fen == fen(yuan(amount_fen))


@pytest.mark.parametrize(
    ("amount", "amount_fen"), [("64.25", 6425), ("0.00", 0), ("0.07", 7), ("-1.05", -105)]
)
def test_amounts_are_yuan_with_two_decimals(amount: str, amount_fen: int) -> None:
    """As they are on the wire."""
    assert (amount_fen, amount) == (fen(amount), yuan(amount_fen))


@pytest.mark.parametrize(
    "text", ["64.2", "64", "64.255", " 1.00", "1,000.00", "01.00", "1e2", "١.٠٠", "", "1.00\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    """Nothing is rounded or guessed."""
    with pytest.raises(ValueError, match="two decimals"):
        fen(text)
