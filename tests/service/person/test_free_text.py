"""What counts as naming a person in a free text, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.person.free_text import holds_id_number

NAMING = (
    "11010519491231002X",
    "11010519491231002x, asked by phone",
    "患者110105194912310021要求退费",
    "110105 19491231 0021",
    "110105-1949-12-31-0021",
    "１１０１０５１９４９１２３１００２Ｘ",
    "no. 9911010519491231002X",
)
HARMLESS = (
    "not stated",
    "退单号 202603021234567890",
    "62220212345678901234",
    "2026-03-02 10:15:30 window 3, receipt 000123456",
    "11010519491331002X",
    "11010529491231002X",
    "1101051949123100",
)


@pytest.mark.parametrize("text", NAMING)
def test_an_id_number_is_found_however_it_is_written(text: str) -> None:
    """Among other signs, in parts, in full width."""
    assert holds_id_number(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_numbers_are_no_id_numbers(text: str) -> None:
    """Receipts, cards, times, and what has no day of birth in it."""
    assert not holds_id_number(text)


@given(
    st.integers(100000, 999999),
    st.dates(),
    st.integers(0, 9999),
    st.text("退费 原因abc", max_size=9),
)
def test_every_id_number_of_a_living_person_is_found(
    place: int, born: object, rest: int, around: str
) -> None:
    """Whatever stands around it."""
    day = f"{born:%Y%m%d}".rjust(8, "0")
    number = f"{place}{day}{rest:04d}"

    assert holds_id_number(f"{around}{number}{around}") == (day[:2] in ("19", "20"))
