"""Many use cases at once, without a task for each: every one stops where it goes to the log."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import fields
from typing import Any, NamedTuple

from typing_extensions import override

from aggregates.refusals import RefusalError
from service.caller import Request
from service.context import Decide, ServiceContext
from service.ledger.command import Command, KeyReusedError, Reply

Case = Coroutine[Any, Any, Reply]
NO_REPLY = (RefusalError, KeyReusedError)
"""Why a use case ends without a reply; nothing was stored."""


class QueuedUseCase(NamedTuple):
    """A call of a use case that waits for nothing but its one command; it can be sent on."""

    use_case: Callable[..., Case]
    request: Request
    arguments: tuple[object, ...]

    def begin(self, context: ServiceContext) -> Case:
        """Call the use case."""
        return self.use_case(context, self.request, *self.arguments)


async def carry_out(
    context: ServiceContext, items: Iterable[QueuedUseCase]
) -> list[Reply | Exception]:
    """Carry out errands, decided in their order: their replies, or why there is none.

    Raises:
        OverloadedError, StoreUnavailableError, OutcomeUnknownError: as `Appender.submit`.
    """
    stopping = _Stopping(*(getattr(context, field.name) for field in fields(context)))
    begun = [_begin(stopping, item) for item in items]
    return [each if isinstance(each, Exception) else await _end(*each) for each in begun]


class _Stop(NamedTuple):
    """Where a use case waits until its command is in the log."""

    command: Command

    def __await__(self) -> Generator[Command, Reply, Reply]:
        return (yield self.command)


class _Stopping(ServiceContext):
    """A house whose use cases give their command away and wait to be told the reply."""

    __slots__ = ()

    @override
    async def do(self, request: Request, decide: Decide) -> Reply:
        """Give the command to whoever drives the use case."""
        return await _Stop(self.command(request, decide))


Begun = tuple[Case, "asyncio.Future[Reply]"]


def _begin(context: _Stopping, item: QueuedUseCase) -> Begun | Exception:
    """Take a use case to where it stops, and its command to the appender."""
    case = item.begin(context)
    try:
        command = case.send(None)
    except NO_REPLY as error:
        return error
    return case, context.appender.take(command)


async def _end(case: Case, answer: "asyncio.Future[Reply]") -> Reply | Exception:
    """Let a use case go on with its reply, to its end."""
    try:
        case.send(await answer)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    except NO_REPLY as error:
        case.close()
        return error
    raise AssertionError("an errand has one command")
