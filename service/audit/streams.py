"""What kind of thing an id names, and its events, for auditors."""

from typing import Any

from aggregates.refusals import UnknownError
from aggregates.topics import TOPICS
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.codec import KINDS, kind_of
from service.request_context import note

EVENTS_MAX = 200
"""Events shown of a stream, the newest."""


async def look_at_stream(context: ServiceContext, caller: Caller, text: str) -> dict[str, Any]:
    """A stream's kind, its number of events, and its newest events without their data.

    Raises:
        UnknownError: the text is no id of the log, or nothing has it.
    """
    check_role(caller, Role.AUDITOR)
    if text[:3] not in KINDS:
        raise UnknownError
    stream = stream_of(text[:3], text)
    history = await context.store.history(stream)
    if not history:
        raise UnknownError
    note([stream])
    return {
        "stream": stream,
        "kind": kind_of(stream).topics,
        "versions": history[-1].version,
        "events": [
            {
                "position": recorded.position,
                "version": recorded.version,
                "topic": TOPICS[type(recorded.event)],
                "recorded_at": rfc3339(recorded.recorded_at),
            }
            for recorded in reversed(history[-EVENTS_MAX:])
        ],
    }
