"""The order of names by pinyin."""

import pytest

from aggregates.binding.name_order import SOUNDS_LIKE, by_name
from aggregates.vocabulary import StreamId


@pytest.mark.parametrize(
    "names",
    [
        ("白雪", "陈静", "丁一", "刘芳", "王芳", "张伟", "周杰"),
        ("区小云", "欧阳娜", "秦兰", "覃小明", "王一"),
        ("李安", "李华", "李娜"),
        ("Anna", "Ｂｅｎ", "艾华"),
        ("王芳", "𠮷田"),
    ],
)
def test_names_are_put_in_the_order_of_their_sound(names: tuple[str, ...]) -> None:
    """Whoever comes first in the dictionary comes first, whatever the ids."""
    bindings = {StreamId(f"bnd_{9 - at}"): name for at, name in enumerate(names)}

    assert list(names) == [bindings[binding] for binding in by_name(bindings)]


def test_equal_names_fall_to_the_binding() -> None:
    """Spaces and width make no difference."""
    same = {StreamId("bnd_2"): "王 芳", StreamId("bnd_1"): "王芳", StreamId("bnd_3"): "艾华"}

    assert ("bnd_3", "bnd_1", "bnd_2") == by_name(same)


def test_a_surname_sounds_like_a_common_character() -> None:
    """Each stand-in is one of the characters that GB 2312 lists by pinyin."""
    for like in SOUNDS_LIKE.values():
        assert b"\xb0\xa1" <= like.encode("gb2312") <= b"\xd7\xf9", like
