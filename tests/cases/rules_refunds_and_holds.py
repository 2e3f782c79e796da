"""What happens to settlements afterwards, on the rules alone."""

from collections.abc import Iterable

from aggregates.refusals import CancelClosedError, RefundClosedError, RuleRefusedError
from aggregates.settlement import refund as refunds
from aggregates.settlement import settlement as settlements
from aggregates.settlement.events import PayerReturn, Settled
from aggregates.settlement.returns import RefundBasis, full_return, returns_of
from aggregates.settlement.settlement import Settlement, SettlementEvent
from aggregates.vocabulary import StreamId
from tests.cases.reading import Step, fen, yuan
from tests.cases.rules_world import RulesWorld
from tests.cases.world import Outcome


class RulesLater:
    """The settlements of a world, by the names of their steps."""

    def __init__(self, world: RulesWorld) -> None:
        """Begin without settlements."""
        self._world = world
        self._kept: dict[str, tuple[StreamId, Settlement]] = {}

    def keep(self, name: str, settlement_id: StreamId, settled: Settled) -> None:
        """Remember a settlement, if its step has a name."""
        self._kept[name] = settlement_id, settlements.evolve(None, settled)

    def cancel(self, step: Step) -> Outcome:
        """Take a settlement back whole."""
        _, settlement = self._kept[step.of]
        stay = settlements.check_stays(settlement)
        self._check_open(settlement, CancelClosedError)
        event = settlements.cancel(settlement, "told")
        self._give_back(step.of, full_return(stay), event)
        return Outcome(status="cancelled")

    def refund(self, step: Step) -> Outcome:
        """Give a part back, by amount or by lines."""
        _, settlement = self._kept[step.of]
        settlements.check_stays(settlement)
        self._check_open(settlement, RefundClosedError)
        lines = tuple((line, fen(amount)) for line, amount in step.back) or None
        amount_fen = sum(part for _, part in lines) if lines else fen(step.amount)
        assert settlement.claim is not None
        edition = self._world.edition(self._world.accounts[settlement.claim.beneficiary].region)
        asked = refunds.RefundRequest(amount_fen, lines)
        event = refunds.refund(settlement, asked, "told", edition)
        self._give_back(step.of, event.payers, event)
        assert settlement.stay is not None
        back = {(p.account, p.binding): p.current_fen + p.prior_fen for p in event.payers}
        told = [
            yuan(back.get((s.account, s.binding), 0) if s.account else 0)
            for s in settlement.stay.payers
        ]
        return Outcome(
            own=told[0], aid=tuple(told[1:]), cash=yuan(event.cash_fen), status="part_refunded"
        )

    def _check_open(self, settlement: Settlement, closed: type[RuleRefusedError]) -> None:
        assert settlement.claim is not None
        edition = self._world.edition(self._world.accounts[settlement.claim.beneficiary].region)
        on = refunds.settled_on(settlement)
        if not refunds.is_open(edition.refund.refund_window, on, None, self._world.now):
            raise closed

    def _give_back(self, name: str, payers: Iterable[PayerReturn], event: SettlementEvent) -> None:
        settlement_id, settlement = self._kept[name]
        settled = settlement.settled
        assert settled is not None
        terms = self._world.edition(self._world.accounts[settled.claim.beneficiary].region).refund
        payment = RefundBasis(settlement_id, settled, terms, self._world.pools)
        moved = returns_of(payment, payers, self._world.accounts, "ticket", self._world.now)
        for account_id, returned in moved:
            self._world.fold(account_id, returned)
        self._kept[name] = settlement_id, settlements.evolve(settlement, event)
