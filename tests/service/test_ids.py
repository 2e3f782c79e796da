"""Stream ids in 25 characters: they convert back, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.refusals import UnknownError
from aggregates.vocabulary import StreamId
from service.ids import long, short, twin

streams = st.integers(0, 2**128 - 1).map(lambda number: StreamId(f"stl_{number:032x}"))


@given(streams)
def test_an_id_comes_back(stream: StreamId) -> None:
    """An id converts to 25 letters and digits and back; twice the twin is the id."""
    text = short(stream)

    assert 25 == len(text)
    assert stream == long("stl", text)
    assert stream != long("stl", twin(stream))
    assert text == twin(long("stl", twin(stream)))


@pytest.mark.parametrize(
    "text", ["", "0" * 24, "0" * 26, "z" * 25, "Z" * 25, "a" * 24 + "B", "٠" * 25, "-" * 25]
)
def test_what_was_not_written_so_is_nothing(text: str) -> None:
    """Too short, too long, too large, or with other signs."""
    with pytest.raises(UnknownError):
        long("stl", text)
