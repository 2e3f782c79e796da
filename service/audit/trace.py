"""One settlement's whole story, from the log alone, and every decision in it decided again.

What came before it (the invitations and consents behind each payer, the order, the rules of
the day, a hold), what it did to whom, and what was done to it afterwards, each event with where
it stands, when it was recorded, by whom, through which door and why.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import json

from aggregates.account.events import OrderChanged, ReturnSuspended, SuspensePaidOut
from aggregates.institution import AccountsCleared, InstitutionDesignated
from aggregates.policy.rulebook import EditionPublished
from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled
from aggregates.settlement.refund import settled_on
from aggregates.settlement.settlement import Settlement
from aggregates.topics import TOPICS
from aggregates.vocabulary import StreamId
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.ledger.codec import Recorded, encode, encode_act, kind_of
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import NO_HEAD, StreamHead
from service.replay.decoding import Stored
from service.replay.differences import Difference, Differences
from service.replay.redecide.bills import DECIDED
from service.replay.walk import LogWalk

COMMAND_MAX = 2000
"""Events looked at before a decision to find where its command began."""
LEFT_OUT = ("sealed", "content")
"""Members that are not told: sealed personal data, and a whole edition's text."""
Log = list[Recorded]


async def trace(context: ServiceContext, caller: Caller, settlement_id: StreamId) -> dict[str, Any]:
    """The story of a settlement (auditors).

    Raises:
        UnknownError: there is none.
    """
    check_role(caller, Role.AUDITOR)
    own = await context.store.history(settlement_id)
    if not own:
        raise UnknownError
    settlement: Settlement | None = None
    for one in own:
        settlement = kind_of(settlement_id).evolve(settlement, one.event)
    assert settlement is not None, "its events were folded"
    story: dict[int, Recorded] = {}
    again: dict[int, list[Difference]] = {}
    for one in [*await _holds(context, settlement), *own]:
        command = await _command(context, one)
        story |= {told.position: told for told in command}
        if isinstance(one.event, DECIDED):
            found = await _decided_again(context, command)
            again[one.position] = [d for d in found if d.position in (one.position, None)]
    story |= {one.position: one for one in await _around(context, settlement, own)}
    story |= {one.position: one for one in await _paid_out(context, story.values())}
    return {
        "settlement_id": settlement_id,
        "status": settlement.status,
        "events": [_told(story[at], again.get(at)) for at in sorted(story)],
        "decided_again": sum(map(len, again.values())) == 0,
        "position": await context.store.position(),
    }


# ------------------------------------------------------------------ what belongs to it


async def _command(context: ServiceContext, last: Recorded) -> Log:
    """Everything that the command of an event had written up to it."""
    after = max(0, last.position - COMMAND_MAX)
    before = await context.store.page(after, last.position - after)
    command: Log = []
    for one in reversed(before):
        if one.act != last.act:
            break
        command.insert(0, one)
    return command


async def _holds(context: ServiceContext, settlement: Settlement) -> Log:
    """The hold that it was settled from, and those that gave way to it."""
    settled = settlement.settled
    if settled is None:
        return []
    holds = {stream for stream in settled.read if stream.startswith("hld_")}
    if settled.hold is not None:
        holds.add(settled.hold)
    return [one for hold in sorted(holds) for one in await context.store.history(hold)]


async def _around(context: ServiceContext, settlement: Settlement, own: Log) -> Log:
    """Agreements, order and rules from before it, and the clearing that came after it."""
    settled, first = settlement.settled, own[0].position
    found: Log = []
    institution = await context.store.history(settlement.institution)
    designated = [one for one in institution if isinstance(one.event, InstitutionDesignated)]
    found += [one for one in designated if one.position < first][-1:]
    if settled is None:
        return found
    for share in settled.payers:
        if share.binding is not None:
            found += [o for o in await context.store.history(share.binding) if o.position < first]
    patient = await context.store.history(settled.claim.beneficiary)
    orders = [one for one in patient if isinstance(one.event, OrderChanged)]
    found += [one for one in orders if one.position < first][-1:]
    found += await _rules(context, settled)
    on = settled_on(settlement)
    found += [
        one
        for one in institution
        if isinstance(one.event, AccountsCleared)
        and one.position > first
        and one.event.through >= on
    ][:1]
    return found


async def _rules(context: ServiceContext, settled: Settled) -> Log:
    """The editions that it was decided by, as they were published."""
    used = set(settled.editions.values())
    books = [stream for stream in settled.read if stream.startswith("pol_")]
    return [
        one
        for book in books
        for one in await context.store.history(book)
        if isinstance(one.event, EditionPublished) and one.event.edition in used
    ]


async def _paid_out(context: ServiceContext, story: Iterable[Recorded]) -> Log:
    """What became of money that came back and was kept aside."""
    aside = [(o.stream, o.event.ticket) for o in story if isinstance(o.event, ReturnSuspended)]
    return [
        one
        for account, ticket in aside
        for one in await context.store.history(account)
        if isinstance(one.event, SuspensePaidOut) and one.event.ticket == ticket
    ]


# ------------------------------------------------------------------ decided again


async def _decided_again(context: ServiceContext, command: Log) -> list[Difference]:
    """Tell a command again on the states before it, and see whether it decides the same."""
    found = Differences()
    course = LogWalk(Overlay(), context.vault, found)
    for one in command:
        stream, version, topic, amount_fen, state = encode(
            one.stream, one.version, one.event, encode_act(one.act)
        )
        stored = Stored(one.position, one.recorded_at, stream, amount_fen, version, topic, state)
        while True:
            try:
                course.take(stored)
            except UnreadError as unread:
                await _load(context, course.world, unread, command[0].position)
            else:
                break
    return found.kept


async def _load(context: ServiceContext, world: Overlay, unread: UnreadError, before: int) -> None:
    """Bring what a decision asks for as it was before a position."""
    if unread.name is not None:
        names = (await context.store.read((), (unread.name,))).names
        world.names[unread.name] = names.get(unread.name)
    for stream in unread.streams:
        head = NO_HEAD
        for one in await context.store.history(stream):
            if one.position < before:
                head = StreamHead(one.version, kind_of(stream).evolve(head.state, one.event))
        world.heads[stream] = head


# ------------------------------------------------------------------ as it is told


def _told(one: Recorded, again: list[Difference] | None) -> dict[str, Any]:
    """One event of a story; `decided_again` is None where nothing was decided."""
    event = json.decode(encode(one.stream, one.version, one.event, b"null").state)["event"]
    decided = None
    if again is not None:
        decided = {
            "same": not again,
            "differences": [{"in": d.unlike, "told": d.stored, "made": d.made} for d in again],
        }
    return {
        "position": one.position,
        "recorded_at": rfc3339(one.recorded_at),
        "stream": one.stream,
        "version": one.version,
        "topic": TOPICS[type(one.event)],
        "actor": one.act.actor,
        "on_behalf_of": one.act.on_behalf_of,
        "channel": one.act.channel,
        "reason": event.get("reason") or event.get("why") or event.get("code"),
        "editions": event.get("editions"),
        "read": event.get("read"),
        "event": {name: value for name, value in event.items() if name not in LEFT_OUT},
        "decided_again": decided,
    }
