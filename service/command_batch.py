"""Runs many use cases without a task for each, which would cost an import microseconds a line.

A use case that is queued here awaits one thing only, the reply to its one command. `_begin`
starts its coroutine with `send(None)`, which returns the command that the coroutine yields, and
gives that command to the appender. `_end` awaits the reply and resumes the coroutine by sending
the reply to it, as an event loop does for a task.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import fields
from types import coroutine
from typing import Any, NamedTuple

from typing_extensions import override

from aggregates.refusals import CredentialUnknownError, RefusalError, UnknownError
from service.caller import Request
from service.context import Decide, ServiceContext
from service.ledger.command import Command, KeyReusedError, Reply

Case = Coroutine[Any, Any, Reply]
NO_REPLY = (RefusalError, KeyReusedError)
"""Errors that end a use case without a reply; nothing was stored."""


class QueuedUseCase(NamedTuple):
    """A call of a use case that awaits nothing but its one command; it can be pickled."""

    use_case: Callable[..., Case]
    request: Request
    arguments: tuple[object, ...]

    def begin(self, context: ServiceContext) -> Case:
        """Call the use case."""
        return self.use_case(context, self.request, *self.arguments)


async def carry_out(
    context: ServiceContext, items: Iterable[QueuedUseCase]
) -> list[Reply | Exception]:
    """Run use cases, decided in their order; for each its reply, or an error of `NO_REPLY`.

    One with a token that only the verifier may know is run again after the others, and asks it.

    Raises:
        OverloadedError, StoreUnavailableError, OutcomeUnknownError: as `Appender.submit`.
    """
    yielding = _YieldingContext(*(getattr(context, field.name) for field in fields(context)))
    queued = list(items)
    begun = [_begin(yielding, item) for item in queued]
    ended = [each if isinstance(each, Exception) else await _end(*each) for each in begun]
    if context.tokens is None:
        return ended
    return [
        await _run(context, item) if _is_unasked(end) else end
        for item, end in zip(queued, ended, strict=True)
    ]


class _YieldingContext(ServiceContext):
    """A context whose use cases yield their command to `_begin` and wait for the reply."""

    __slots__ = ()

    @override
    async def do(self, request: Request, decide: Decide) -> Reply:
        return await _yielded(self.command(request, decide))


@coroutine
def _yielded(command: Command) -> Generator[Command, Reply, Reply]:
    return (yield command)


def _begin(
    context: _YieldingContext, item: QueuedUseCase
) -> "tuple[Case, asyncio.Future[Reply]] | Exception":
    """Run a use case up to its command, and give that to the appender."""
    case = item.begin(context)
    try:
        command = case.send(None)
    except NO_REPLY as error:
        return error
    return case, context.appender.take(command)


async def _end(case: Case, future: "asyncio.Future[Reply]") -> Reply | Exception:
    """Resume a use case with its reply, and return its result."""
    try:
        case.send(await future)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    except NO_REPLY as error:
        case.close()
        return error
    raise AssertionError("a queued use case has one command")


def _is_unasked(end: Reply | Exception) -> bool:
    """Whether a use case ended at a token that nobody here knows."""
    return isinstance(end, CredentialUnknownError | UnknownError) and end.shown is not None


async def _run(context: ServiceContext, item: QueuedUseCase) -> Reply | Exception:
    try:
        return await item.begin(context)
    except NO_REPLY as error:
        return error
