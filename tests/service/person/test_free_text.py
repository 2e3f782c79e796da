"""Which free texts and identifiers contain an ID number."""

import itertools
import random  # noqa: TID251 -- seeded
import unicodedata
from datetime import date, datetime, timedelta

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
    "110105:1949#1231,002X",
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
    """Receipts, cards, times, and numbers without a day of birth."""
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
    """Whatever is around it."""
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
    """Numbers of visits and messages: an institution or region, a day, a count."""
    assert not is_id_number_in(identifier)
    assert not is_id_number_in("９" * 40)


@given(
    st.from_regex(r"[A-Z][0-9]{11}20[2-3][0-9](0[1-9]|1[0-2])[0-2][1-8][0-9]{10}", fullmatch=True)
)
def test_no_message_of_the_national_form_is_refused(msgid: str) -> None:
    """The digits of institution, time and count are no ID number."""
    assert 30 == len(msgid)
    assert not is_id_number_in(msgid)


ID = "11010519491231002X"
NOT_ASCII = [chr(code) for code in range(0x80, 0x110000) if unicodedata.category(chr(code)) == "Nd"]
ZEROS = [sign for sign in NOT_ASCII if unicodedata.digit(sign) == 0]


def checked(body: str) -> str:
    """Seventeen digits with their check digit (ISO 7064)."""
    total = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def id_number(place: str, born: date, rest: str) -> str:
    """A valid ID number."""
    return checked(f"{place}{born:%Y%m%d}{rest}")


@pytest.mark.parametrize("zero", ZEROS, ids=lambda zero: f"U+{ord(zero):04X}")
def test_digits_of_every_script_are_digits(zero: str) -> None:
    """Arabic-Indic, full-width, mathematical: in an identifier and in a text."""
    written = "".join(sign if sign == "X" else chr(ord(zero) + int(sign)) for sign in ID)

    assert is_id_number_in(written)
    assert is_id_number_in(f"v-{written}")
    assert holds_id_number(f"asked by {written}")


@pytest.mark.parametrize("last", "xX\u0425\u0445\u03a7\u03c7\u2169\u00d7")
def test_what_looks_like_the_last_x_is_one(last: str) -> None:
    """Cyrillic, Greek, Roman letters and the multiplication sign."""
    assert is_id_number_in(ID[:-1] + last)
    assert holds_id_number(ID[:-1] + last)


ADULTS = st.builds(
    id_number,
    st.builds("{}{:04d}".format, st.sampled_from((11, 33, 50, 65, 82)), st.integers(0, 9999)),
    st.dates(date(1900, 1, 1), date(2019, 12, 31)),
    st.builds("{:03d}".format, st.integers(0, 999)),
)


@given(
    ADULTS,
    st.lists(
        st.sampled_from(("", ":", "#", ".", "/", "_", "-", " ", "—", ", ")),
        min_size=17,
        max_size=17,
    ),
    st.sampled_from(("", "9", "v", "H33", "0012")),
)
def test_signs_between_and_digits_around_hide_no_id_number(
    number: str, between: list[str], around: str
) -> None:
    """Signs between its digits and text around it do not hide it."""
    parts = itertools.zip_longest(number, between, fillvalue="")
    written = around + "".join(itertools.chain.from_iterable(parts)) + around

    assert is_id_number_in(written)
    assert holds_id_number(written)


def test_a_glued_number_needs_a_province_a_day_and_a_check_digit() -> None:
    """With one of the three wrong it is an ordinary count."""
    assert ID == checked(ID[:-1])
    right = ("11010519491231002", "82000019750228001", "44030420191231123")
    wrong = ("10010519491231002", "11010519000229002", "11010518991231002", "11010520250301002")

    assert all(is_id_number_in(f"9{checked(body)}9") for body in right)
    assert not any(is_id_number_in(f"9{checked(body)}9") for body in wrong)
    assert not is_id_number_in(f"9{ID[:-1]}19")
    assert is_id_number_in(f"H33010612345202603021015000001{ID}")


HONEST_EACH = 20_000


def honest(draw: random.Random) -> tuple[str, ...]:
    """Numbers as hospitals and the platform make them, of one institution in one second."""
    place = f"{draw.choice((11, 33, 44, 51, 61))}{draw.randrange(10_000):04d}"
    code = f"{place}{draw.randrange(100_000):05d}"
    at = datetime(2025, 1, 1) + timedelta(seconds=draw.randrange(6 * 31_536_000))  # noqa: DTZ001
    second, day, count = f"{at:%Y%m%d%H%M%S}", f"{at:%Y%m%d}", f"{draw.randrange(10_000):04d}"
    return (
        f"H{code}{second}{count}",
        f"fsi:2207:H{code}{second}{count}",
        f"H{code}-{day}-{count}",
        f"H{code}{day}{count}",
        f"{place}{second}{draw.randrange(10**6):06d}",
        f"{place}{second}{draw.randrange(10**10):010d}",
        f"{place}-{day}-{count}",
        f"{day}{draw.randrange(10**12):012d}",
        f"{second}-{draw.randrange(10**6):06d}",
    )


def test_honest_numbers_pass() -> None:
    """Fewer than one in ten thousand such numbers look like an ID number."""
    draw = random.Random(14)  # noqa: S311 -- made-up numbers
    found = [
        sum(column)
        for column in zip(
            *([is_id_number_in(one) for one in honest(draw)] for _ in range(HONEST_EACH)),
            strict=True,
        )
    ]

    assert [0, 0, 0, 0] == found[:4], "messages, visits and bills of the forms that are in use"
    assert sum(found) <= len(found) * HONEST_EACH / 10_000, found
