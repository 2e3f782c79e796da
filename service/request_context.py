"""The context of a request: what it read and was refused, for the access log.

It is a context variable of the request's task, so use cases need no argument for it. Outside of a
request, as in an import, nothing is noted.
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
    """The streams that a request read, its refusals' codes with their counts, and its trace id.

    `caller` and `operation` are set by a route where the token and the request line do not say
    them. `is_kept` says that the request is recorded whatever its answer's status is.
    """

    __slots__ = ("_trace_id", "caller", "codes", "is_kept", "operation", "streams")

    def __init__(self) -> None:
        self.streams: dict[StreamId, None] = {}
        self.codes: dict[str, int] = {}
        self.caller: Caller | None = None
        self.operation: str | None = None
        self.is_kept = False
        self._trace_id: str | None = None

    @property
    def trace_id(self) -> str:
        """One id for the request's access record, answer and log lines."""
        if self._trace_id is None:
            self._trace_id = new_trace()
        return self._trace_id


MESSAGE = "FSI "
"""The beginning of the operation of a national message; its number follows."""
SEEN: ContextVar[RequestContext | None] = ContextVar("seen", default=None)


def note(streams: Iterable[StreamId]) -> None:
    """Note streams that the current request read."""
    context = SEEN.get()
    if context is not None:
        context.streams.update(dict.fromkeys(streams))


def came_as(caller: Caller, operation: str) -> None:
    """Set the caller and operation of the current request, of a national message."""
    context = SEEN.get()
    if context is not None:
        context.caller, context.operation = caller, operation


def forwarded(details: str) -> None:
    """Record the current national message as forwarded, with its sizes and its outcome."""
    context = SEEN.get()
    if context is not None and context.operation is not None:
        context.operation, context.is_kept = f"{context.operation} {details}", True


def refused(code: str) -> None:
    """Note the code of a refusal of the current request, or of one of its bills."""
    context = SEEN.get()
    if context is not None:
        context.codes[code] = context.codes.get(code, 0) + 1


def trace_id() -> str:
    """The id of the current request, or a new one."""
    context = SEEN.get()
    return new_trace() if context is None else context.trace_id


def noting(decide: Callable[[ReadSet, Instant], D]) -> Callable[[ReadSet, Instant], D]:
    """A decision that notes its reads for the current request, refused or not."""
    context = SEEN.get()
    if context is None:
        return decide

    def noted(reads: ReadSet, now: Instant) -> D:
        try:
            return decide(reads, now)
        finally:
            context.streams.update(dict.fromkeys(reads.read))

    return noted
