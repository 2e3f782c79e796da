"""What a decision is decided again in, and how it is held against what the log tells."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple

from aggregates.account.events import (
    Corrected,
    Held,
    HoldReleased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
)
from aggregates.account.state import Account
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
    """In what a decision is not what it should be: as it was told, and as it is made again."""

    unlike: Mismatch
    told: object
    made: object


@dataclass(slots=True)
class ReplayedCommand:
    """One command as far as the log has told it.

    `start` holds the heads it found of what it changed, `unpaid` the accounts before money
    left them or was set aside, `unfreed` those before what a hold held came free or a premium
    was paid, `moved` the events of accounts that no decision has explained yet, and `due` those
    that a decision wants and that have not come yet.
    """

    act: bytes
    start: dict[StreamId, StreamHead] = field(default_factory=dict)
    unpaid: dict[StreamId, Account] = field(default_factory=dict)
    unfreed: dict[StreamId, Account] = field(default_factory=dict)
    moved: StreamEvents = field(default_factory=list)
    due: StreamEvents = field(default_factory=list)

    def note(self, stream: StreamId, event: Event) -> None:
        """Keep what an account did until a decision explains it, if none has yet."""
        if (stream, event) in self.due:
            self.due.remove((stream, event))
        else:
            self.moved.append((stream, event))


class DecisionContext(NamedTuple):
    """What a decision is decided again in: all states so far, its command, and where it stands."""

    world: Overlay
    vault: Vault
    command: ReplayedCommand
    stream: StreamId
    at: datetime


def as_decided(place: DecisionContext, kept: Mapping[StreamId, Account]) -> Overlay:
    """The states a decision saw: the command's beginning, with what it gave back before."""
    overlay = Overlay(place.world)
    for stream, head in place.command.start.items():
        state = head.state
        if stream.startswith("acc_"):
            state = kept[stream] if stream in kept else place.world.head(stream).state
        overlay.heads[stream] = StreamHead(head.version, state)
    return overlay


def misread(
    place: DecisionContext, told: dict[StreamId, int], made: dict[StreamId, int]
) -> list[Finding]:
    """Whether everything that the decision needs was read, at the version that was there."""
    start = place.command.start
    there = {
        stream: start[stream].version if stream in start else place.world.head(stream).version
        for stream in told
    }
    return [
        Finding(Mismatch.READ, f"{stream} {told.get(stream)}", there.get(stream, made.get(stream)))
        for stream in (told | made if there != told or not made.keys() <= there.keys() else ())
        if told.get(stream) != there.get(stream, made.get(stream))
    ]


def taken(place: DecisionContext, is_mine: Callable[[Event], bool]) -> StreamEvents:
    """Take the command's events that a decision must explain, in their order."""
    command = place.command
    told = [moved for moved in command.moved if is_mine(moved[1])]
    command.moved = [moved for moved in command.moved if not is_mine(moved[1])]
    return told


def moves(told: StreamEvents, made: StreamEvents) -> list[Finding]:
    """Whether accounts were moved exactly as decided, in that order."""
    return [] if told == made else [Finding(Mismatch.MOVES, told, made)]


def unlike(told: BillDecision, made: BillDecision) -> Iterator[Finding]:
    """Every member in which two events of a kind differ."""
    if told == made:
        return
    for member in fields(told):
        one, other = getattr(told, member.name), getattr(made, member.name)
        if one != other:
            yield Finding(Mismatch.DECISION, f"{member.name} {one}", other)


def decided_by(event: Event) -> str:
    """The bill, hold, premium or correction that an account's event belongs to."""
    match event:
        case Held(hold=of) | HoldReleased(hold=of) | ReturnSuspended(payment=of):
            return of
        case PremiumDebited(premium=of) | PremiumReturned(premium=of) | Corrected(correction=of):
            return of
        case _:
            return str(getattr(event, "settlement", ""))
