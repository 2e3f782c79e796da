"""The order of names by pinyin, for regions where it breaks a tie (regions.md §4 row 17).

GB 2312 lists its 3,755 common characters by pinyin, so their code is the key. A surname that it
lists by radical, or that is read otherwise as a surname, has the key of a common character of
that sound. Other characters come after the common ones, by code: a limit of this order.
"""

from collections.abc import Mapping
from unicodedata import normalize

from aggregates.vocabulary import StreamId

SURNAMES = "闫覃佟岑滕缪褚瞿芮昝仝亓逄谌冼单解仇查区朴乐盖尉翟员种"
SOUNDS_LIKE = dict(
    zip(SURNAMES, "严秦同层藤妙楚渠瑞咱同齐旁陈显善谢求扎欧瓢岳葛玉宅运崇", strict=True)
)
"""Surnames, and a common character of the same sound (of the nearest one for 岑)."""


def by_name(names: Mapping[StreamId, str]) -> tuple[StreamId, ...]:
    """Bindings in the order of their sponsors' names; equal names by the binding's id."""
    return tuple(sorted(names, key=lambda binding: (_key(names[binding]), binding)))


def _key(name: str) -> list[int]:
    """One number for each character; Latin letters come before Chinese characters."""
    plain = "".join(normalize("NFKC", name).casefold().split())
    surname = SOUNDS_LIKE.get(plain[:1], plain[:1])
    return [_place(character) for character in surname + plain[1:]]


def _place(character: str) -> int:
    try:
        return int.from_bytes(character.encode("gb2312"), "big")
    except UnicodeEncodeError:
        return 0x10000 + ord(character)
