"""Numbers from outside: exact within 18 digits, refused beyond, whatever they are written as."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.vocabulary import FEN_MAX
from api.http.values.numbers import DIGITS_MAX, decimal_of, fen_of, whole_of

BEYOND = (
    "1e999999",
    "-1e999999",
    "1e-999999",
    "0e999999",
    "0e-999999",
    "1e99999999999999999999",
    "9" * 19,
    "9" * 5000,
    "0." + 19 * "1",
    "1" + 65 * "0",
    "NaN",
    "sNaN",
    "Infinity",
    "-inf",
    "",
    "1_000",
    "１",
    "1,000",
)
"""What no door may convert; the first six stand for a million digits or more."""


@pytest.mark.parametrize("text", BEYOND, ids=lambda text: text[:24])
def test_what_is_beyond_is_refused(text: str) -> None:
    """By every way that a text becomes a number."""
    for convert in (decimal_of, fen_of):
        with pytest.raises(ValueError, match=r"not|more"):
            convert(text)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_number_is_large_once_it_is_taken(number: Decimal) -> None:
    """Whatever is taken is what was written, and has at most 18 digits on each side."""
    try:
        taken = decimal_of(str(number))
    except ValueError:
        assert DIGITS_MAX <= len(number.as_tuple().digits) + abs(number.adjusted())
        return
    assert number == taken
    assert abs(taken) < 10**DIGITS_MAX
    assert len(f"{taken:f}") <= 2 * DIGITS_MAX + 2


@given(st.integers(-FEN_MAX, FEN_MAX))
def test_an_amount_is_exact_to_the_fen(fen: int) -> None:
    """Yuan with two decimals and fen are one amount."""
    assert fen == fen_of(f"{Decimal(fen) / 100:f}")


@pytest.mark.parametrize("text", ["90000000000000.01", "-90000000000000.01", "0.005", "1e17"])
def test_an_amount_has_bounds(text: str) -> None:
    """Half a fen is none, and neither is more than the ledger adds up."""
    with pytest.raises(ValueError, match=r"not|beyond"):
        fen_of(text)


def test_a_count_is_whole() -> None:
    """Half a bill is no bill."""
    assert 12 == whole_of(decimal_of("12.0"))
    with pytest.raises(ValueError, match="whole"):
        whole_of(decimal_of("0.5"))
