"""The states to decide again on, and the comparison with the stored decision."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple

from aggregates.account.events import (
    Corrected,
    Held,
    HoldReleased,
    MovedFromPool,
    MovedToPool,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
)
from aggregates.account.state import Account
from aggregates.pool import events as pool_events
from aggregates.pool.pool import Pool
from aggregates.settlement.events import PartRefunded, Settled
from aggregates.settlement.hold import ClaimHeld
from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from service.ledger.command import StreamEvents
from service.ledger.overlay import Overlay
from service.ledger.store import StreamHead
from service.replay.differences import Mismatch
from service.vault import Vault

BillDecision = Settled | ClaimHeld | PartRefunded


class Finding(NamedTuple):
    """A mismatch of a decision: the stored value, and the replayed one."""

    mismatch: Mismatch
    stored: object
    replayed: object


@dataclass(slots=True)
class ReplayedCommand:
    """One command, as far as it was replayed.

    `start` has the heads of changed streams before it, `unpaid` the accounts before a payment or
    hold, `unfreed` those before a hold's release or a premium. `moved` are the account events that
    no decision accounts for yet, `due` those that a decision makes and that are not replayed yet.
    """

    act: bytes
    start: dict[StreamId, StreamHead] = field(default_factory=dict)
    unpaid: dict[StreamId, Account | Pool] = field(default_factory=dict)
    unfreed: dict[StreamId, Account | Pool] = field(default_factory=dict)
    moved: StreamEvents = field(default_factory=list)
    due: StreamEvents = field(default_factory=list)

    def note(self, stream: StreamId, event: Event) -> None:
        """Keep an account event until a decision accounts for it, unless it is due."""
        if (stream, event) in self.due:
            self.due.remove((stream, event))
        else:
            self.moved.append((stream, event))


class DecisionContext(NamedTuple):
    """What a decision is decided again on: the states, its command, its stream and its time."""

    states: Overlay
    vault: Vault
    command: ReplayedCommand
    stream: StreamId
    at: datetime


def as_decided(place: DecisionContext, accounts: Mapping[StreamId, Account | Pool]) -> Overlay:
    """The states that a decision read: those at the command's start, with the given accounts."""
    overlay = Overlay(place.states)
    for stream, head in place.command.start.items():
        state = head.state
        if stream.startswith(("acc_", "fpl_")):
            state = accounts.get(stream) or place.states.head(stream).state
        overlay.heads[stream] = StreamHead(head.version, state)
    return overlay


def misread(
    place: DecisionContext, stored: dict[StreamId, int], replayed: dict[StreamId, int]
) -> list[Finding]:
    """A finding for each stream that was not read, or not at its version."""
    start = place.command.start
    versions = {s: (start.get(s) or place.states.head(s)).version for s in stored}
    if versions == stored and replayed.keys() <= stored.keys():
        return []
    expected = replayed | versions
    return [
        Finding(Mismatch.READ, f"{stream} {stored.get(stream)}", expected[stream])
        for stream in stored | replayed
        if stored.get(stream) != expected[stream]
    ]


def taken(place: DecisionContext, is_mine: Callable[[Event], bool]) -> StreamEvents:
    """Take the command's events that a decision must account for, in their order."""
    command = place.command
    mine = [moved for moved in command.moved if is_mine(moved[1])]
    command.moved = [moved for moved in command.moved if not is_mine(moved[1])]
    return mine


def moves(stored: StreamEvents, replayed: StreamEvents) -> list[Finding]:
    """A finding unless the stored events are exactly those of the decision, in order."""
    return [] if stored == replayed else [Finding(Mismatch.MOVES, stored, replayed)]


def unlike(stored: BillDecision, replayed: BillDecision) -> Iterator[Finding]:
    """A finding for each member in which two events of a kind differ."""
    if stored == replayed:
        return
    for member in fields(stored):
        value, expected = getattr(stored, member.name), getattr(replayed, member.name)
        if value != expected:
            yield Finding(Mismatch.DECISION, f"{member.name} {value}", expected)


def decided_by(event: Event) -> str:
    """The bill, hold, premium, correction or pool that an account's or pool's event belongs to."""
    match event:
        case Held(hold=of) | HoldReleased(hold=of) | ReturnSuspended(payment=of):
            return of
        case PremiumDebited(premium=of) | PremiumReturned(premium=of) | Corrected(correction=of):
            return of
        case pool_events.PoolHeld(hold=of) | pool_events.PoolHoldReleased(hold=of):
            return of
        case (
            pool_events.PoolPremiumDebited(premium=of)
            | pool_events.PoolPremiumReturned(premium=of)
            | MovedToPool(pool=of)
            | MovedFromPool(pool=of)
        ):
            return of
        case _:
            return str(getattr(event, "settlement", ""))
