"""A settlement's whole story from the log alone, with every decision in it decided again.

The story has what came before the settlement (each payer's invitation and consent, the order,
the policy editions, a hold), what it did to each account, and what happened to it afterwards.
Each event is shown with its position, time, actor, channel and reason.
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from msgspec import json

from aggregates.account.events import OrderChanged, ReturnSuspended, SuspensePaidOut
from aggregates.binding.events import InvitationSent
from aggregates.institution import AccountsCleared, InstitutionDesignated
from aggregates.policy.rulebook import EditionPublished
from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled
from aggregates.settlement.refund import settled_on
from aggregates.settlement.settlement import Settlement
from aggregates.topics import TOPICS, Event
from aggregates.vocabulary import KinshipEvidence, StreamId
from service.audit.evidence import rests_on
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
"""Events searched before a decision for the start of its command."""
LEFT_OUT = ("sealed", "content")
"""Members that are not shown: sealed personal data, and a whole edition's text."""
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
    for recorded in own:
        settlement = kind_of(settlement_id).evolve(settlement, recorded.event)
    assert settlement is not None, "its events were folded"
    story: Log = []
    differences: dict[int, list[Difference]] = {}
    for recorded in [*await _holds(context, settlement), *own]:
        command = await command_of(context, recorded)
        story += command
        if isinstance(recorded.event, DECIDED):
            again = await _decided_again(context, command)
            at = recorded.position
            differences[at] = [d for d in again if d.position in (at, None)]
    story += await _around(context, settlement, own)
    story += await _paid_out(context, story)
    by_position = {recorded.position: recorded for recorded in story}
    return {
        "settlement_id": settlement_id,
        "status": settlement.status,
        "events": [_answer(by_position[at], differences.get(at)) for at in sorted(by_position)],
        "decided_again": not any(differences.values()),
        "rests_on": [rests_on(r.event) for r in story if isinstance(r.event, EditionPublished)],
        "promises": _promises(settlement, story),
        "position": await context.store.position(),
    }


# ------------------------------------------------------------------ what belongs to it


async def command_of(context: ServiceContext, last: Recorded) -> Log:
    """The events of one command, up to this event."""
    after = max(0, last.position - COMMAND_MAX)
    before = await context.store.page(after, last.position - after)
    command = takewhile(lambda recorded: recorded.act == last.act, reversed(before))
    return list(command)[::-1]


async def _holds(context: ServiceContext, settlement: Settlement) -> Log:
    """The events of the hold that was settled, and of holds that the settlement replaced."""
    settled = settlement.settled
    if settled is None:
        return []
    holds = {stream for stream in settled.read if stream.startswith("hld_")}
    if settled.hold is not None:
        holds.add(settled.hold)
    return [event for hold in sorted(holds) for event in await context.store.history(hold)]


async def _around(context: ServiceContext, settlement: Settlement, own: Log) -> Log:
    """Agreements, order and editions from before the settlement, and the clearing after it."""
    settled, first = settlement.settled, own[0].position
    institution = await context.store.history(settlement.institution)
    events = _last_before(first, institution, InstitutionDesignated)
    if settled is None:
        return events
    for share in settled.payers:
        if share.binding is not None:
            binding = await context.store.history(share.binding)
            events += [recorded for recorded in binding if recorded.position < first]
    patient = await context.store.history(settled.claim.beneficiary)
    events += _last_before(first, patient, OrderChanged)
    events += await _editions(context, settled)
    on = settled_on(settlement)
    events += [
        recorded
        for recorded in institution
        if isinstance(recorded.event, AccountsCleared)
        and recorded.position > first
        and recorded.event.through >= on
    ][:1]
    return events


def _last_before(position: int, log: Log, kind: type[Event]) -> Log:
    """The last event of a kind before a position, if there is one."""
    return [r for r in log if isinstance(r.event, kind) and r.position < position][-1:]


def _promises(settlement: Settlement, story: Log) -> list[StreamId]:
    """The bindings that paid and rest on a promise alone, in paying order."""
    promised = {
        recorded.stream
        for recorded in story
        if isinstance(recorded.event, InvitationSent)
        and recorded.event.evidence is KinshipEvidence.PROMISE
    }
    payers = settlement.settled.payers if settlement.settled else ()
    paid = [share.binding for share in payers if share.current_fen + share.prior_fen]
    return [binding for binding in paid if binding is not None and binding in promised]


async def _editions(context: ServiceContext, settled: Settled) -> Log:
    """The publications of the editions that decided it."""
    used = set(settled.editions.values())
    books = [stream for stream in settled.read if stream.startswith("pol_")]
    return [
        recorded
        for book in books
        for recorded in await context.store.history(book)
        if isinstance(recorded.event, EditionPublished) and recorded.event.edition in used
    ]


async def _paid_out(context: ServiceContext, story: Iterable[Recorded]) -> Log:
    """The payouts of returns that were kept in suspense."""
    suspended = [(r.stream, r.event.ticket) for r in story if isinstance(r.event, ReturnSuspended)]
    return [
        recorded
        for account, ticket in suspended
        for recorded in await context.store.history(account)
        if isinstance(recorded.event, SuspensePaidOut) and recorded.event.ticket == ticket
    ]


# ------------------------------------------------------------------ decided again


async def _decided_again(context: ServiceContext, command: Log) -> list[Difference]:
    """Replay a command on the states before it, and compare its decisions with the stored ones."""
    differences = Differences()
    walk = LogWalk(Overlay(), context.vault, differences)
    for item in command:
        stream, version, topic, amount_fen, state = encode(
            item.stream, item.version, item.event, encode_act(item.act)
        )
        stored = Stored(item.position, item.recorded_at, stream, amount_fen, version, topic, state)
        while True:
            try:
                walk.take(stored)
            except UnreadError as unread:
                await load_before(context, walk.states, unread, command[0].position)
            else:
                break
    return differences.kept


async def load_before(
    context: ServiceContext, world: Overlay, unread: UnreadError, before: int
) -> None:
    """Load what a decision reads: states as of before a position, names and persons as of now."""
    if unread.person is not None:
        world.persons |= (await context.store.read((), (), (unread.person,))).persons
    if unread.name is not None:
        names = (await context.store.read((), (unread.name,))).names
        world.names[unread.name] = names.get(unread.name)
    for stream in unread.streams:
        head = NO_HEAD
        for item in await context.store.history(stream):
            if item.position < before:
                head = StreamHead(item.version, kind_of(stream).evolve(head.state, item.event))
        world.heads[stream] = head


# ------------------------------------------------------------------ its answer


def _answer(item: Recorded, differences: list[Difference] | None) -> dict[str, Any]:
    """One event of a story; `decided_again` is None for an event that is no decision."""
    event = json.decode(encode(item.stream, item.version, item.event, b"null").state)["event"]
    decided = None
    if differences is not None:
        members = [{"in": d.mismatch, "told": d.stored, "made": d.replayed} for d in differences]
        decided = {"same": not differences, "differences": members}
    return {
        "position": item.position,
        "recorded_at": rfc3339(item.recorded_at),
        "stream": item.stream,
        "version": item.version,
        "topic": TOPICS[type(item.event)],
        "actor": item.act.actor,
        "on_behalf_of": item.act.on_behalf_of,
        "channel": item.act.channel,
        "reason": event.get("reason") or event.get("why") or event.get("code"),
        "editions": event.get("editions"),
        "read": event.get("read"),
        "event": {name: value for name, value in event.items() if name not in LEFT_OUT},
        "decided_again": decided,
    }
