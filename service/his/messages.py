"""The outcome of a message, and the message of a settlement; the protocol has no such query."""

import re
from datetime import datetime
from typing import NamedTuple

from msgspec import json

from aggregates.vocabulary import SettlementStatus, StreamId
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision
from service.read_models.reader import ReadModels

CODE_SIZE = 12
FORM = re.compile(r"[0-9A-Za-z]{12}(20[0-9]{12})[0-9A-Za-z]{4}")
KEY_OF = "SELECT key FROM command_keys WHERE caller = $1 AND stream = $2 AND refusal IS NULL"


class MessageOutcome(NamedTuple):
    """A message's outcome: `refusal` is a rule's code, `stream` what it created or was about.

    `cancelled` is the settlement that it cancelled in full.
    """

    refusal: str | None
    stream: StreamId | None
    cancelled: StreamId | None = None


async def look_at_message(
    context: ServiceContext, caller: Caller, key: str
) -> MessageOutcome | None:
    """The outcome of a caller's message; None if it never arrived or stored nothing.

    The look-up goes through the appender, so that its answer is durable.
    """
    check_role(caller, Role.INSTITUTION)
    await context.appender.quiet(caller.name, key)
    reply = await context.ask(caller, lambda *_: Decision(answer=b""), asks=(caller.name, key))
    if not reply.is_replayed:
        return None
    answer = json.decode(reply.answer or b"{}")
    is_cancel = reply.refusal is None and answer.get("status") == SettlementStatus.CANCELLED
    cancelled = StreamId(answer["settlement_id"]) if is_cancel else None
    return MessageOutcome(reply.refusal, reply.subject, cancelled)


def is_national(msgid: str) -> bool:
    """Whether a message's number has the national form."""
    form = FORM.fullmatch(msgid)
    return form is not None and _is_time(form[1])


async def is_anothers(context: ServiceContext, caller: Caller, msgid: str) -> bool:
    """Whether a message's number belongs to another institution.

    The national form is the institution (12), the time (14) and a count (4). A number of another
    form is another's if it begins with the code of an institution in this ledger.
    """
    code, prefix = caller.subject[:CODE_SIZE], msgid[:CODE_SIZE]
    if msgid.startswith(code) or not prefix.isalnum():
        return False
    if is_national(msgid):
        return True
    name = context.vault.name("institution", prefix)
    return await context.read(caller, lambda reads, _: reads.find(name) is not None)


def _is_time(digits: str) -> bool:
    try:
        return bool(datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}+08:00"))
    except ValueError:
        return False


async def message_of(read_models: ReadModels, caller: Caller, settlement: StreamId) -> str:
    """The msgid that created a settlement; empty if it did not come by the national protocol."""
    if read_models.pool is None:
        return ""
    key = await read_models.pool.fetchval(KEY_OF, caller.name, settlement[4:]) or ""
    return key.rpartition(":")[2] if key.startswith("fsi:") else ""
