"""Stream ids as callers write them."""

import re

from aggregates.refusals import UnknownError
from aggregates.vocabulary import StreamId


def stream_of(prefix: str, text: str) -> StreamId:
    """The stream id that a caller wrote.

    Raises:
        UnknownError: not an id of this kind, so there is no such thing.
    """
    if re.fullmatch(prefix + r"_[0-9a-f]{32}", text) is None:
        raise UnknownError
    return StreamId(text)
