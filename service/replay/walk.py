"""Walks the log: each event is folded, counted, and decided again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aggregates.account.events import (
    AidReceived,
    Debited,
    Held,
    HoldReleased,
    MovedToPool,
    YearClosed,
)
from aggregates.account.state import Account
from aggregates.policy.rulebook import EditionPublished
from aggregates.pool.events import PoolDebited, PoolHeld, PoolHoldReleased
from aggregates.pool.pool import Pool
from aggregates.settlement.events import Settled, SettlementCancelled, SettlementReversed
from aggregates.settlement.settlement import Settlement
from aggregates.topics import Event, State
from aggregates.vocabulary import StreamId, instant
from service.ledger.codec import amount_of, kind_of, parts
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import NO_HEAD, StreamHead
from service.replay.compare.keys_and_names import Bills
from service.replay.compare.multiset_hash import Tally
from service.replay.decoding import Stored, read_act, read_event
from service.replay.differences import Differences, Mismatch
from service.replay.money_conservation import Money
from service.replay.partition import WHOLE, Partition
from service.replay.redecide.bills import DECIDED, EXPLAINED, decide_again
from service.replay.redecide.comparison import (
    DecisionContext,
    Finding,
    ReplayedCommand,
    decided_by,
)
from service.replay.redecide.fast_path import (
    SETTLED,
    PlainCommand,
    passed_on,
    plain_end,
    settled_again,
)
from service.replay.redecide.premiums_and_corrections import CHECKED, PAID
from service.replay.redecide.years import year_again
from service.settlement.claims import visit_of
from service.vault import Vault

GONE = (SettlementCancelled, SettlementReversed)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HELD, FREED = (Held, PoolHeld), (HoldReleased, PoolHoldReleased)
UNPAID = (Debited, AidReceived, PoolDebited, MovedToPool, *HELD)
"""Events before which a decision read the account or pool."""
BILL_KINDS = ("stl_", "hld_")
EXPLAINING = (*BILL_KINDS, "prm_", "cor_", "fpl_")
"""Kinds of streams whose decisions must account for events of accounts and pools."""


@dataclass(slots=True)
class Counts:
    """The numbers of replayed events, by topic, and of streams that began, by kind."""

    events: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    folded: Counter[str] = field(default_factory=Counter)
    born: Counter[str] = field(default_factory=Counter)
    tombstones: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of another partition."""
        self.events += other.events
        self.decided += other.decided
        self.folded += other.folded
        self.born += other.born
        self.tombstones += other.tombstones

    def named(self) -> dict[str, int]:
        """The number of streams that must have a name by kind; of bills and holds the live ones."""
        of = self.decided
        gone = of["settlement.cancelled/1"] + of["settlement.reversed/1"] - self.tombstones
        ended = of["hold.captured/1"] + of["hold.ended/1"]
        live = {"stl": of["settlement.settled/1"] - gone, "hld": of["hold.placed/1"] - ended}
        return live | {kind: self.born[kind] for kind in ("ins", "pol", "kin")}


class LogWalk:
    """A walk through the log, with the states at the position reached.

    `take` may raise `UnreadError` before it changes anything; it is called again with the same row
    once the missing states are loaded.
    """

    __slots__ = (
        "_command",
        "_ignored",
        "_money",
        "_moving_fen",
        "_off",
        "_part",
        "_vault",
        "bills",
        "counts",
        "diffs",
        "states",
    )

    def __init__(
        self, states: Overlay, vault: Vault, diffs: Differences, part: Partition = WHOLE
    ) -> None:
        self.states = states
        self.diffs = diffs
        self._ignored = Differences()  # those of other partitions' rows
        self.counts = Counts()
        self.bills = Bills(Tally(vault), Tally(vault))
        self._vault = vault
        self._part = part
        self._money = Money()
        self._off = (0, 0)
        self._moving_fen = 0
        self._command = ReplayedCommand(b"")

    @property
    def money(self) -> Money:
        """Where all money is now."""
        return self._money

    def go_on(self, rows: Sequence[Stored], at: int) -> int:
        """Take a whole command if it only settles a bill (`fast_path`), else one event.

        Returns the index of the next row.

        Raises:
            UnreadError: as `take`.
        """
        end = plain_end(rows, at)
        if end > at and self._begins(rows[at]) and self._take_plain(rows[at:end]):
            return end
        row = rows[at]
        try:
            self.take(row)
        except UnreadError:
            raise
        except Exception as fault:  # noqa: BLE001 -- no row may stop the replay
            if self._part.has(row.stream):
                why = f"cannot be replayed: {type(fault).__name__}"
                self.diffs.note((row.position, row.stream), Mismatch.EVENT, row.topic, why)
        return at + 1

    def _begins(self, row: Stored) -> bool:
        return not (row.state or b"").startswith(b'{"act":%b,"event":' % self._command.act)

    def _take_plain(self, rows: Sequence[Stored]) -> bool:
        """Take a command of one bill; False, with nothing changed, on any mismatch."""
        *moves, bill = rows
        plain: PlainCommand | None = None
        if bill.state is None:
            heads = passed_on(self.states, moves, self._part)
        else:
            plain = settled_again(self.states, self._vault, rows)
            heads = plain and plain.heads
        if heads is None:
            return False
        self._end_command(rows[0])
        self._command = ReplayedCommand(b"")
        self.states.heads.update(heads)
        fen = 0
        for row in moves:
            fen -= row.amount_fen or 0
            if self._part.has(row.stream):
                self.counts.events += 1
                self.counts.folded[row.topic] += 1
        self._money.settle(fen, is_mine=plain is not None)
        if plain is not None:
            self._count_plain(bill.stream, plain)
        return True

    def _count_plain(self, bill: StreamId, plain: PlainCommand) -> None:
        self.states.heads.pop(bill, None)  # a later event of it reads it from the log
        self.counts.events += 1
        self.counts.decided[SETTLED] += 1
        self.counts.born["stl"] += 1
        self.bills.keys.add(bill, plain.key_digest.encode())
        self.bills.names.add(bill, visit_of(self._vault, plain.settled.claim))

    def take(self, row: Stored) -> None:
        """Take the next event of the log.

        Raises:
            UnreadError: a state is missing.
        """
        if row.state is None:
            return
        where = (row.position, row.stream)
        is_mine = self._part.has(row.stream)
        try:
            act, stored = parts(row.state)
            event = read_event(row.topic, stored)
        except (KeyError, ValueError) as error:
            if is_mine:
                why = f"unreadable: {type(error).__name__}"
                self.diffs.note(where, Mismatch.EVENT, row.topic, why)
            return
        if act != self._command.act:
            self._end_command(row)
            self._begin_command(act, where, is_mine=is_mine)
        head = self.states.head(row.stream) if row.version > 1 else NO_HEAD
        for finding in self._again(row, event) if is_mine else ():
            self.diffs.note(where, *finding)
        is_decided = is_mine and isinstance(event, DECIDED) and not isinstance(event, CHECKED)
        counted = self.counts.decided if is_decided else self.counts.folded
        counted[row.topic] += is_mine
        self._fold(row, event, head, is_mine=is_mine)

    def _again(self, row: Stored, event: Event) -> list[Finding]:
        """The mismatches of an event that is decided again; UnreadError as `take`."""
        at = EPOCH + timedelta(microseconds=row.recorded_at)
        if row.stream.startswith("acc_"):
            return year_again(self.states, self._vault, row.stream, event, instant(at))
        if isinstance(event, DECIDED):
            place = DecisionContext(self.states, self._vault, self._command, row.stream, at)
            return decide_again(place, event)
        return []

    def end(self) -> None:
        """End the last command at the end of the log."""
        self._end_command(None)
        self._command = ReplayedCommand(b"")

    # -------------------------------------------------------------- folding

    def _fold(self, row: Stored, event: Event, head: StreamHead, *, is_mine: bool) -> None:
        diffs = self.diffs if is_mine else self._ignored
        where = (row.position, row.stream)
        self.counts.events += is_mine
        if row.version != head.version + 1:
            diffs.note(where, Mismatch.VERSION, row.version, head.version + 1)
        if row.amount_fen != (amount_fen := amount_of(event)):
            diffs.note(where, Mismatch.AMOUNT, row.amount_fen, amount_fen)
        try:
            state: State = kind_of(row.stream).evolve(head.state, event)
        except Exception as fault:  # noqa: BLE001 -- forged events may break any fold
            diffs.note(where, Mismatch.EVENT, row.topic, f"does not fold: {fault!r}")
            return
        self._note_start(row.stream, event, head)
        self.states.heads[row.stream] = StreamHead(row.version, state)
        self.counts.born[row.stream[:3]] += is_mine and head.version == 0
        if isinstance(state, Account | Pool):
            self._count(where, event, head.state, state, diffs)
        elif isinstance(state, Settlement):
            before = head.state if isinstance(head.state, Settlement) else None
            self._money.bill(event, before)
            self.counts.tombstones += before is None and isinstance(event, SettlementReversed)
            if is_mine:
                self._count_bill(row, event, before)
        elif isinstance(event, EditionPublished):
            self.states.names[self._vault.name("region", event.region)] = row.stream

    def _note_start(self, stream: StreamId, event: Event, head: StreamHead) -> None:
        """Keep the states that decisions of this command will read."""
        command = self._command
        command.start.setdefault(stream, head)
        if not isinstance(event, EXPLAINED) or not isinstance(head.state, Account | Pool):
            return
        if isinstance(event, UNPAID):
            command.unpaid.setdefault(stream, head.state)
        elif isinstance(event, (*FREED, *PAID)):
            command.unfreed.setdefault(stream, head.state)
        of = decided_by(event)
        kinds = BILL_KINDS if isinstance(event, (*HELD, *FREED)) else EXPLAINING
        if of.startswith(kinds) and self._part.has(of):
            command.note(stream, event)

    def _count(
        self,
        where: tuple[int, StreamId],
        event: Event,
        before: State | None,
        after: Account | Pool,
        diffs: Differences,
    ) -> None:
        if isinstance(after, Pool):
            self._count_pool(where, event, before if isinstance(before, Pool) else None, after)
            return
        money, was = self._money, before if isinstance(before, Account) else None
        owed_fen = money.owed_fen
        money.move(event, was, after)
        if money.owed_fen != owed_fen and self._part.has(decided_by(event)):
            money.explained_fen += money.owed_fen - owed_fen
        self._note_off(where, diffs)
        if isinstance(event, YearClosed) and was and event.carried_fen != was.current_fen:
            diffs.note(where, Mismatch.DECISION, event.carried_fen, was.current_fen)
        if min(after.current_fen, after.prior_fen) < 0:
            diffs.note(where, Mismatch.MONEY, f"{after.balance_fen} fen", "not below zero")

    def _count_pool(
        self, where: tuple[int, StreamId], event: Event, before: Pool | None, after: Pool
    ) -> None:
        is_mine = self._part.has(where[1])
        diffs = self.diffs if is_mine else self._ignored
        money = self._money
        owed_fen = money.owed_fen
        money.move_in_pool(event, before, after)
        if money.owed_fen != owed_fen and self._part.has(decided_by(event)):
            money.explained_fen += money.owed_fen - owed_fen
        self._note_off(where, diffs)
        if after.balance_fen < 0:
            diffs.note(where, Mismatch.MONEY, f"{after.balance_fen} fen", "not below zero")

    def _note_off(self, where: tuple[int, StreamId], diffs: Differences) -> None:
        money = self._money
        if money.off_fen != self._off[0]:
            diffs.note(where, Mismatch.MONEY, f"{money.off_fen - self._off[0]} fen", "0 fen")
            self._off = (money.off_fen, self._off[1])

    def _count_bill(self, row: Stored, event: Event, before: Settlement | None) -> None:
        """Count the key that a bill must have, and its name while it is live."""
        names, keys = self.bills
        if before is None:
            undone = event.undone if isinstance(event, SettlementReversed) else None
            digest = undone or read_act(parts(row.state or b"")[0]).key_digest
            keys.add(row.stream, digest.encode())
        if isinstance(event, Settled):
            names.add(row.stream, visit_of(self._vault, event.claim))
        elif isinstance(event, GONE) and before is not None and before.settled is not None:
            names.add(row.stream, visit_of(self._vault, before.settled.claim), -1)

    # -------------------------------------------------------------- commands

    def _begin_command(self, act: bytes, where: tuple[int, StreamId], *, is_mine: bool) -> None:
        self._command = ReplayedCommand(act)
        if not is_mine:
            return
        try:
            read_act(act)
        except ValueError as error:
            self.diffs.note(where, Mismatch.EVENT, "act", f"unreadable: {type(error).__name__}")

    def _end_command(self, row: Stored | None) -> None:
        """Report account events of this command that no decision accounts for."""
        where = (None if row is None else row.position - 1, None)
        if self._command.moved or self._command.due:
            self.diffs.note(where, Mismatch.MOVES, self._command.moved, self._command.due)
        if self._money.moving_fen != self._moving_fen:
            off_fen = self._money.moving_fen - self._moving_fen
            self.diffs.note(
                where, Mismatch.MONEY, f"{off_fen} fen left no account or pool", "0 fen"
            )
            self._moving_fen = self._money.moving_fen
        if self._money.unsettled_fen != self._off[1]:
            off_fen = self._money.unsettled_fen - self._off[1]
            self.diffs.note(where, Mismatch.MONEY, f"{off_fen} fen owed to no bill", "0 fen")
            self._off = (self._off[0], self._money.unsettled_fen)
