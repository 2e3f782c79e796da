"""Stream ids as callers write them: `stl_` with 32 hex digits, or 25 digits in base 36.

In base 36 the letters are small: some clients rewrite capitals in the names and values they read.
Earlier releases handed out capitals, and claims keep a visit's number so.
"""

import re

from aggregates.refusals import UnknownError
from aggregates.vocabulary import StreamId


def stream_of(prefix: str, text: str) -> StreamId:
    """A stream id that a caller sent; UnknownError if it is not an id of this kind."""
    if re.fullmatch(prefix + r"_[0-9a-f]{32}", text) is None:
        raise UnknownError
    return StreamId(text)


DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
SIZE = 25
LOW = 36**12
TIME_ORDERED = "7"
"""The version of the UUIDs that stream ids are; it stands at one place of their hex digits."""
PAIRS = [first + second for first in DIGITS for second in DIGITS]


def short(stream: StreamId) -> str:
    """A stream's id in base 36, without its prefix."""
    number = int(stream[4:], 16)
    high, low = divmod(number, LOW)
    return _padded(high, 13) + _padded(low, 12)


def _padded(number: int, size: int) -> str:
    pairs: list[str] = []
    for _ in range((size + 1) // 2):
        number, pair = divmod(number, 1296)
        pairs.append(PAIRS[pair])
    return "".join(reversed(pairs))[-size:]


def long(prefix: str, text: str) -> StreamId:
    """The stream id of a number in base 36, in small letters or in capitals.

    Raises:
        UnknownError: `short` makes no such number.
    """
    is_number = len(text) == SIZE and text.isascii() and text.isalnum()
    if not is_number or text not in (text.lower(), text.upper()):
        raise UnknownError
    number = int(text, 36)
    if number >> 128:
        raise UnknownError
    return StreamId(f"{prefix}_{number:032x}")


def kept(visit: str) -> str:
    """A visit's number as claims keep it: in capitals if it is one of this service's own."""
    try:
        is_ours = long("vis", visit)[16] == TIME_ORDERED
    except UnknownError:
        return visit
    return visit.upper() if is_ours else visit


def shown(visit: str) -> str:
    """A visit's number of a claim as callers read it: the opposite of `kept`."""
    return visit.lower() if visit != visit.lower() and kept(visit.lower()) == visit else visit


def twin(stream: StreamId) -> str:
    """The number of a settlement's refund (退费结算ID): its own with the lowest bit flipped."""
    return short(StreamId(f"{stream[:4]}{int(stream[4:], 16) ^ 1:032x}"))
