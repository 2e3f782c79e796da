"""Walks the log under a draft: what was decided in the range is decided again, all else is folded.

The states are those that would have been: what a decision of the draft moves is folded in the
place of what was recorded. The recorded moves of a decision are skipped, for its own event makes
them anew. Money that is not there under the draft leaves its bucket at zero, and is counted.
"""

from dataclasses import replace
from datetime import date
from typing import NamedTuple

from aggregates.account.events import (
    Corrected,
    HoldReleased,
    MovedFromPool,
    MovedToPool,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.account.fold import evolve as fold_account
from aggregates.account.state import Account
from aggregates.account.year_close import turned
from aggregates.policy.rulebook import EditionPublished, Rulebook
from aggregates.policy.rulebook import evolve as fold_rulebook
from aggregates.pool.events import PoolHoldReleased
from aggregates.pool.pool import Pool
from aggregates.premium.premium import Premium, PremiumHeld
from aggregates.settlement import hold as hold_rules
from aggregates.settlement.events import (
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.settlement.hold import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.topics import TOPICS, Event, State
from aggregates.vocabulary import HoldEnd, StreamId, instant
from service.ledger.codec import kind_of, parts
from service.ledger.command import StreamEvents
from service.ledger.overlay import Overlay
from service.ledger.read_set import ReadSet
from service.ledger.store import NO_HEAD, StreamHead
from service.rehearsal.bills import (
    EPOCH,
    MadeAgain,
    give_back_again,
    hold_again,
    instant_of,
    settle_again,
)
from service.rehearsal.draft import Draft
from service.rehearsal.premiums import follow_again, gone_again, order_again
from service.rehearsal.tally import RehearsalTally
from service.replay.decoding import Stored, read_quickly
from service.replay.redecide.bills import EXPLAINED
from service.replay.redecide.premiums_and_corrections import PremiumStep
from service.settlement.supersede_hold import held_funds
from service.vault import Vault

NOT_SKIPPED = (
    Corrected,
    HoldReleased,
    PoolHoldReleased,
    ReturnSuspended,
    MovedToPool,
    MovedFromPool,
)
SKIPPED = {TOPICS[event] for event in EXPLAINED if event not in NOT_SKIPPED}
"""Topics of moves that a decision of the range makes anew."""
REREAD = frozenset({"stl", "cor", "vis", "ldg"})
"""Kinds that are read from the log when a decision needs them."""
BEIJING_US, DAY_US = 8 * 3_600_000_000, 24 * 3_600_000_000
"""How far the Beijing day is before that of 1970, and how long it is, in microseconds."""
MOVES = frozenset(EXPLAINED)
"""Moves of a decision: the old year of an account is closed before them."""


class RehearsalScope(NamedTuple):
    """The range in microseconds since 1970, both ends included, and whose patients are counted.

    The draft begins on `begins_on`, a Beijing day. Without a `region` everybody is counted.
    """

    from_us: int
    to_us: int
    begins_on: date
    region: str | None = None


class RehearsalWalk:
    """The walk of one rehearsal; `states` are the recorded ones of kinds that the draft keeps."""

    def __init__(self, states: Overlay, vault: Vault, draft: Draft, scope: RehearsalScope) -> None:
        self.states = states
        self.tally = RehearsalTally()
        self._world = Overlay(states)
        self._vault = vault
        self._draft = draft
        self._scope = scope
        self._rulebooks: dict[StreamId, Rulebook] = {}
        self._gone: set[StreamId] = set()
        self._tickets: dict[str, StreamId] = {}
        self._premiums: dict[StreamId, Premium] = {}
        self._day, self._now = 0, instant(EPOCH)

    def take(self, row: Stored) -> None:
        """Take the next event of the log.

        Raises:
            UnreadError: a state is missing; nothing was changed, take the event again.
        """
        is_again = self._scope.from_us <= row.recorded_at <= self._scope.to_us
        if is_again and row.topic in SKIPPED:
            return
        if not is_again and row.stream[:3] in REREAD and row.stream not in self._world.heads:
            return
        event = read_quickly(row.topic, parts(row.state or b"")[1])
        if isinstance(event, EditionPublished):
            self._publish(row.stream, event)
        elif not (is_again and self._decided(row, event)):
            self._fold([(row.stream, event)], row)

    # ------------------------------------------------------------------ decided again

    def _decided(self, row: Stored, event: Event) -> bool:
        """Decide an event again, and fold what that makes; False where it is only folded."""
        match event:
            case Settled():
                self._count(row, settle_again(self._world, self._vault, row, event))
            case ClaimHeld() | PremiumHeld():
                self._begin(row, event)
            case PartRefunded() | SettlementCancelled() | SettlementReversed():
                self._back(row, event)
            case HoldEnded() | HoldCaptured():
                self._end_hold(row, event)
            case ReturnSuspended():
                self._tickets[event.ticket] = event.payment
            case HoldReleased() | PoolHoldReleased():
                return not (event.hold.startswith("prm_") and event.why is HoldEnd.ENDED)
            case _ if isinstance(event, PremiumStep):
                self._follow(row, event)
            case _:
                return False
        return True

    def _count(self, row: Stored, made: MadeAgain) -> None:
        self._fold(made.moves, row)
        if made.kept is not None:
            before = self._world.heads.get(row.stream, NO_HEAD).version
            self._world.heads[row.stream] = StreamHead(before + 1, made.kept)
        if self._scope.region in (None, made.region):
            found_at = (row.stream, row.position)
            self.tally.count(made.kind, made.groups, made.recorded, made.drafted, found_at)

    def _begin(self, row: Stored, event: ClaimHeld | PremiumHeld) -> None:
        """A hold or a premium begins, unless the draft refuses it."""
        if isinstance(event, ClaimHeld):
            made = hold_again(self._world, self._vault, row, event)
        else:
            made = order_again(self._world, self._vault, row, event)
        self._count(row, made)
        if made.drafted.code is not None:
            self._gone.add(row.stream)
        if isinstance(event, PremiumHeld):
            self._note_premium(row, event)

    def _back(
        self, row: Stored, event: PartRefunded | SettlementCancelled | SettlementReversed
    ) -> None:
        range_us = (self._scope.from_us, self._scope.to_us)
        made = give_back_again(self._world, self._vault, row, event, range_us)
        if made is not None:
            self._count(row, made)
        self._fold_recorded(row, event)

    def _fold_recorded(self, row: Stored, event: Event) -> None:
        """Keep the recorded state of a settlement up to date while it is loaded."""
        head = self.states.heads.get(row.stream)
        if head is not None and head.version == row.version - 1:
            state = kind_of(row.stream).evolve(head.state, event)
            self.states.heads[row.stream] = StreamHead(row.version, state)

    def _end_hold(self, row: Stored, event: HoldEnded | HoldCaptured) -> None:
        if row.stream in self._gone:
            return
        moves: StreamEvents = [(row.stream, event)]
        if isinstance(event, HoldEnded):
            reads = ReadSet(self._world, instant_of(row))
            funds = held_funds(reads, reads.hold(row.stream).held)
            moves += hold_rules.frees_of(row.stream, funds, event.why)
        self._fold(moves, row)

    def _note_premium(self, row: Stored, event: PremiumHeld | PremiumStep) -> None:
        """Keep the recorded premium beside the draft's."""
        was = self._premiums.get(row.stream)
        if was is not None or isinstance(event, PremiumHeld):
            self._premiums[row.stream] = kind_of(row.stream).evolve(was, event)

    def _follow(self, row: Stored, event: PremiumStep) -> None:
        was = self._premiums.get(row.stream)
        if was is None:  # it was ordered before the range
            state = self._world.head(row.stream).state
            assert isinstance(state, Premium), "a premium's stream has a premium"
            was = self._premiums[row.stream] = state
        again = gone_again if row.stream in self._gone else follow_again
        self._count(row, again(self._world, self._vault, row, event, was))
        self._note_premium(row, event)

    # ------------------------------------------------------------------ folded

    def _publish(self, stream: StreamId, event: EditionPublished) -> None:
        recorded = fold_rulebook(self._rulebooks.get(stream), event)
        self._rulebooks[stream] = recorded
        drafted = self._draft.over(recorded, self._scope.begins_on)
        self._world.heads[stream] = StreamHead(len(recorded.editions), drafted)
        self.states.names[self._vault.name("region", event.region)] = stream

    def _fold(self, moves: StreamEvents, row: Stored) -> None:
        """Fold events, all or none of them."""
        heads: dict[StreamId, StreamHead] = {}
        short = 0
        for stream, event in moves:
            is_kept = stream[:3] not in REREAD or stream in self._world.heads
            if stream in self._gone or not is_kept:
                continue
            head = heads.get(stream) or self._head(stream, row)
            state = self._before(head.state, event, row)
            if isinstance(state, Account) and isinstance(event, YearClosed):
                is_over = state.year > event.year
                after: State = state if is_over else fold_account(state, event)
            else:
                after = kind_of(stream).evolve(state, self._renamed(event))
            possible = _possible(after)
            short += possible is not after
            heads[stream] = StreamHead(head.version + 1, possible)
        for stream, head in heads.items():
            (self._world if stream[:3] in REREAD else self.states).heads[stream] = head
        self.tally.not_followed += short

    def _head(self, stream: StreamId, row: Stored) -> StreamHead:
        if stream == row.stream and row.version == 1:
            return NO_HEAD
        return self._world.head(stream)

    def _before(self, state: State | None, event: Event, row: Stored) -> State | None:
        """An account with its old year closed, where the draft moves money that nobody moved."""
        if type(event) in MOVES and isinstance(state, Account):
            day = (row.recorded_at + BEIJING_US) // DAY_US
            if day != self._day:
                self._day, self._now = day, instant_of(row)
            return turned(state, self._now)
        return state

    def _renamed(self, event: Event) -> Event:
        """A payout by the ticket that the draft's return has: the id of what was paid."""
        if isinstance(event, SuspensePaidOut) and event.ticket in self._tickets:
            return replace(event, ticket=self._tickets[event.ticket])
        return event


def _possible(state: State) -> State:
    """An account or pool without less than nothing; the same one where it has no such part."""
    if isinstance(state, Account) and min(state.current_fen, state.prior_fen) < 0:
        current_fen, prior_fen = max(0, state.current_fen), max(0, state.prior_fen)
        return state._replace(current_fen=current_fen, prior_fen=prior_fen)
    if isinstance(state, Pool) and state.balance_fen < 0:
        return state._replace(balance_fen=0)
    return state
