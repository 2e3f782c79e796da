"""From a message to what it did, and back: the question that the national protocol lacks."""

import re
from datetime import datetime
from typing import NamedTuple

from msgspec import json

from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.read_models.reader import ReadModels

CODE_SIZE = 12
FORM = re.compile(r"[0-9A-Za-z]{12}(20[0-9]{12})[0-9A-Za-z]{4}")
KEY_OF = "SELECT key FROM command_keys WHERE caller = $1 AND stream = $2 AND refusal IS NULL"


class MessageOutcome(NamedTuple):
    """What a message did: `refusal` is a rule's code, `stream` what it made or meant.

    `cancelled` is the settlement that it took back whole.
    """

    refusal: str | None
    stream: StreamId | None
    cancelled: StreamId | None = None


async def look_at_message(
    context: ServiceContext, caller: Caller, key: str
) -> MessageOutcome | None:
    """What a message of the caller's did; None where it never came, or did nothing.

    The look-up rides in a commit, so that a crash cannot take its answer back.
    """
    check_role(caller, Role.INSTITUTION)
    await context.appender.quiet(caller.name, key)
    reply = await context.ask(caller, _nothing, asks=(caller.name, key))
    if not reply.is_replayed:
        return None
    told = json.decode(reply.answer or b"{}")
    is_cancel = reply.refusal is None and told.get("status") == SettlementStatus.CANCELLED
    cancelled = StreamId(told["settlement_id"]) if is_cancel else None
    return MessageOutcome(reply.refusal, reply.subject, cancelled)


async def is_anothers(context: ServiceContext, caller: Caller, msgid: str) -> bool:
    """Whether a message's number says that another institution sent it.

    In the national form it is the institution (12), the time (14) and a count (4); a number of
    another form is another's where it begins with the code of an institution that is known here.
    """
    code, prefix = caller.subject[:CODE_SIZE], msgid[:CODE_SIZE]
    if msgid.startswith(code) or not prefix.isalnum():
        return False
    if (form := FORM.fullmatch(msgid)) is not None and _is_time(form[1]):
        return True
    name = context.vault.name("institution", prefix)
    return await context.read(caller, lambda reads, _: reads.find(name) is not None)


def _is_time(digits: str) -> bool:
    try:
        return bool(datetime.strptime(f"{digits}+0800", "%Y%m%d%H%M%S%z"))
    except ValueError:
        return False


async def message_of(read_models: ReadModels, caller: Caller, settlement: StreamId) -> str:
    """The msgid that made a settlement; empty where it came by another door."""
    key = (
        await read_models.pool.fetchval(KEY_OF, caller.name, settlement[4:])
        if read_models.pool
        else None
    )
    return (key or "").rpartition(":")[2] if (key or "").startswith("fsi:") else ""


def _nothing(_: ReadSet, __: Instant) -> Decision:
    return Decision(answer=b"")
