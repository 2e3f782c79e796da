"""Stream ids as callers write them: `stl_` with 32 hex digits, or 25 digits in base 36."""

import re

from aggregates.refusals import UnknownError
from aggregates.vocabulary import StreamId


def stream_of(prefix: str, text: str) -> StreamId:
    """A stream id that a caller sent; UnknownError if it is not an id of this kind."""
    if re.fullmatch(prefix + r"_[0-9a-f]{32}", text) is None:
        raise UnknownError
    return StreamId(text)


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZE = 25
LOW = 36**12
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
    """The stream id of a number in base 36; UnknownError if `short` makes no such number."""
    if len(text) != SIZE or not text.isascii() or not text.isalnum() or text != text.upper():
        raise UnknownError
    number = int(text, 36)
    if number >> 128:
        raise UnknownError
    return StreamId(f"{prefix}_{number:032x}")


def twin(stream: StreamId) -> str:
    """The number of a settlement's refund (退费结算ID): its own with the lowest bit flipped."""
    return short(StreamId(f"{stream[:4]}{int(stream[4:], 16) ^ 1:032x}"))
