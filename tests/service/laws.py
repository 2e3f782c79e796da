"""What must hold for every stretch of a log, whoever wrote it (reliability.md (c))."""

from collections import Counter

from aggregates.account.events import (
    Credited,
    Debited,
    DebitReturned,
    PremiumDebited,
    PremiumReturned,
)
from aggregates.binding.binding import Binding
from aggregates.settlement.events import Settled
from aggregates.vocabulary import BindingStatus, StreamId
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.memory_store import MemoryStore


class Laws:
    """Reads a log in memory from where it stopped, and holds each event to the laws."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self.seen = 0
        self.versions: Counter[StreamId] = Counter()
        self.balances: Counter[StreamId] = Counter()
        self.debits: list[Recorded] = []

    def check(self, context: ServiceContext) -> None:
        """Read on, and check.

        Raises:
            AssertionError: a law is broken.
        """
        store = context.store
        assert isinstance(store, MemoryStore)
        for recorded in store.log[self.seen :]:
            self.seen += 1
            assert self.seen == recorded.position
            if isinstance(recorded.event, Settled):
                self._check_settled(recorded.stream, recorded.event, store)
            self._count(recorded)
        for account, balance_fen in self.balances.items():
            head = store.heads[account].state
            assert balance_fen == head.balance_fen  # type: ignore[union-attr]

    def _count(self, recorded: Recorded) -> None:
        """Versions have no gap (I15); no prefix of the log overdraws an account (I6)."""
        stream, event = recorded.stream, recorded.event
        self.versions[stream] += 1
        assert self.versions[stream] == recorded.version
        match event:
            case Credited(amount_fen=fen):
                self.balances[stream] += fen
            case Debited(current_fen=current, prior_fen=prior):
                self.balances[stream] -= current + prior
                self.debits.append(recorded)
            case PremiumDebited(current_fen=current, prior_fen=prior):
                self.balances[stream] -= current + prior
            case (
                DebitReturned(current_fen=current, prior_fen=prior)
                | PremiumReturned(current_fen=current, prior_fen=prior)
            ):
                self.balances[stream] += current + prior
            case _:
                pass
        assert self.balances[stream] >= 0

    def _check_settled(self, settlement: StreamId, settled: Settled, store: MemoryStore) -> None:
        """The parts add up (I5), each debit is its share's (I1), funds stand in order (I8)."""
        claim, payers = settled.claim, settled.payers
        given = [share.current_fen + share.prior_fen for share in payers]
        assert claim.total_fen == claim.fund_pay_fen + sum(given) + settled.cash_fen
        assert (settled.own_fen, settled.aid_fen) == (given[0], sum(given[1:]))
        assert min(*given, settled.cash_fen, claim.fund_pay_fen) >= 0
        mine = [d for d in self.debits if d.event.settlement == settlement]  # type: ignore[union-attr]
        self.debits = []
        assert len(mine) == sum(fen > 0 for fen in given)
        assert {(s.account, f) for s, f in zip(payers, given, strict=True) if f} == {
            (d.stream, d.event.current_fen + d.event.prior_fen)  # type: ignore[union-attr]
            for d in mine
        }
        self._check_order(settled, given)
        self._check_read(settled, {d.stream for d in mine})
        for share in payers[1:]:
            self._check_authority(
                share.binding, claim.beneficiary, store, paid=share.reason is None
            )

    def _check_order(self, settled: Settled, given: list[int]) -> None:
        """Who stands before a payer is exhausted, capped, or has a reason (policy.md I2, I3)."""
        last = max((at for at, fen in enumerate(given) if fen), default=0)
        for share, fen in list(zip(settled.payers, given, strict=True))[:last]:
            assert fen in {share.available_fen, share.limit_fen} or share.reason is not None

    def _check_read(self, settled: Settled, debited: set[StreamId]) -> None:
        """What was read is what stood immediately before the settlement's own events (I8)."""
        for stream, version in settled.read.items():
            own_events = self.versions[stream] - version
            most = 2 if stream == settled.claim.beneficiary else 1
            assert 0 <= own_events <= (most if stream in debited or most == 2 else 0)

    @staticmethod
    def _check_authority(
        binding_id: StreamId | None, patient: StreamId, store: MemoryStore, *, paid: bool
    ) -> None:
        """Only an active grant to this very patient pays (I9, policy.md I6)."""
        assert binding_id is not None
        binding = store.heads[binding_id].state
        assert isinstance(binding, Binding)
        assert binding.beneficiary == patient
        assert not paid or binding.status is BindingStatus.ACTIVE
