"""What counts as naming a person in a free text, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.person.free_text import holds_id_number, is_id_number_in

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


IDENTIFYING = (
    "11010519491231002X",
    "11010519491231002x-1",
    "mdtrt_110105194912310021",
    "v:110101199001011234:2",
    "110105-19491231-002X",
    "110105 1949 12 31 0021",
    "110105-20150301-002X",
    "１１０１０５１９４９１２３１００２Ｘ",
)
IDENTIFIERS = (
    "H33010612345202603020001",
    "H33010612345-20260302-0001",
    "330106-20260302-0001",
    "H54250000001202603021015000001",
    "33010620260302101500123456",
    "3301062026030210150",
    "stl_019c2f4be1a07d3b9a2f60c1d2e3f405",
    "019C2F4BE1A07D3B9A2F60C1D2E3F4",
    "bill-1",
    "",
)


@pytest.mark.parametrize("identifier", IDENTIFYING)
def test_an_id_number_in_an_identifier_is_found(identifier: str) -> None:
    """Whole or in parts, with anything but digits around it."""
    assert is_id_number_in(identifier)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_codes_and_days_and_counts_are_no_id_number(identifier: str) -> None:
    """How visits and messages are numbered: an institution or a region, a day, a count."""
    assert not is_id_number_in(identifier)
    assert not is_id_number_in("９" * 40)


@given(
    st.from_regex(r"[A-Z][0-9]{11}20[2-3][0-9](0[1-9]|1[0-2])[0-2][1-8][0-9]{10}", fullmatch=True)
)
def test_no_message_of_the_national_form_is_refused(msgid: str) -> None:
    """Institution, time, count: the digits of its code and the day make no person."""
    assert 30 == len(msgid)
    assert not is_id_number_in(msgid)
