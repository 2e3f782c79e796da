"""What one request came to see: noted while it is answered, for the access log.

A request's own task carries the note (a context variable), so use cases need no argument for
it. Outside of a request, as in an import, nothing is noted.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TypeVar

from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller
from service.clock import new_trace
from service.ledger.read_set import ReadSet

D = TypeVar("D")


class RequestContext:
    """The streams a request read, the codes it was refused with and how often, its trace id.

    A route that knows its caller or operation better than the request's line and token do
    says so here.
    """

    __slots__ = ("_trace_id", "caller", "codes", "operation", "streams")

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.streams: dict[StreamId, None] = {}
        self.codes: dict[str, int] = {}
        self.caller: Caller | None = None
        self.operation: str | None = None
        self._trace_id: str | None = None

    @property
    def trace_id(self) -> str:
        """One id for the request's record, answer and log lines."""
        if self._trace_id is None:
            self._trace_id = new_trace()
        return self._trace_id


MESSAGE = "FSI "
"""What the operation of a national message begins with; its number follows."""
SEEN: ContextVar[RequestContext | None] = ContextVar("seen", default=None)


def note(streams: Iterable[StreamId]) -> None:
    """Note streams that the request at hand saw."""
    seen = SEEN.get()
    if seen is not None:
        seen.streams.update(dict.fromkeys(streams))


def came_as(caller: Caller, operation: str) -> None:
    """Say who asks what, where the request's line and token do not: a national message."""
    seen = SEEN.get()
    if seen is not None:
        seen.caller, seen.operation = caller, operation


def refused(code: str) -> None:
    """Note a code that the request at hand, or one bill of it, is refused with."""
    seen = SEEN.get()
    if seen is not None:
        seen.codes[code] = seen.codes.get(code, 0) + 1


def trace_id() -> str:
    """The id of the request at hand, or a fresh one."""
    seen = SEEN.get()
    return new_trace() if seen is None else seen.trace_id


def noting(decide: Callable[[ReadSet, Instant], D]) -> Callable[[ReadSet, Instant], D]:
    """A decision that notes what it reads for the request at hand, refused or not."""
    seen = SEEN.get()
    if seen is None:
        return decide

    def noted(reads: ReadSet, now: Instant) -> D:
        try:
            return decide(reads, now)
        finally:
            seen.streams.update(dict.fromkeys(reads.read))

    return noted
