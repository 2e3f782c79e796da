"""Stream ids in 25 characters: they convert back, and anything else is refused."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.refusals import UnknownError
from aggregates.vocabulary import BEIJING, StreamId
from service.clock import new_stream
from service.ids import kept, long, short, shown, twin

streams = st.integers(0, 2**128 - 1).map(lambda number: StreamId(f"stl_{number:032x}"))


@given(streams)
def test_an_id_comes_back(stream: StreamId) -> None:
    """An id converts to 25 letters and digits and back; twice the twin is the id."""
    text = short(stream)

    assert 25 == len(text)
    assert stream == long("stl", text)
    assert stream != long("stl", twin(stream))
    assert text == twin(long("stl", twin(stream)))


def test_a_visit_s_number_is_kept_as_earlier_releases_kept_it() -> None:
    """In capitals, and shown in small letters; an institution's own number stays as it is."""
    visit = new_stream("vis", datetime(2026, 3, 2, tzinfo=BEIJING))
    number = short(visit)

    assert number == number.lower() == shown(kept(number))
    assert number.upper() == kept(number) == kept(number.upper())
    assert visit == long("vis", number) == long("vis", number.upper())
    for own in ("V-1", "v1", "A" * 25, "a" * 25, ""):
        assert own == kept(own) == shown(own)


@pytest.mark.parametrize(
    "text", ["", "0" * 24, "0" * 26, "z" * 25, "Z" * 25, "a" * 24 + "B", "٠" * 25, "-" * 25]
)
def test_what_was_not_written_so_is_nothing(text: str) -> None:
    """Too short, too long, too large, or with other signs."""
    with pytest.raises(UnknownError):
        long("stl", text)
