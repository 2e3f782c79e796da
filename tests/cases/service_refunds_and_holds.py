"""What happens to bills after they were decided, or before they are final, by the use cases."""

from collections.abc import Awaitable, Callable, Mapping

from aggregates.vocabulary import StreamId
from service.caller import Request
from service.context import ServiceContext
from service.ledger.command import Reply
from service.reconciliation.clearing import clear
from service.settlement.cancel import cancel
from service.settlement.capture import FinalBill, capture
from service.settlement.claims import SettleBill
from service.settlement.holds import hold, release
from service.settlement.refund import RefundBill, refund
from service.settlement.replace import replace
from service.settlement.reverse import reverse
from tests.cases.reading import Counter, Step, fen
from tests.cases.world import Outcome

Before = Mapping[str, Outcome]
HERE = Counter().code


class ServiceRefundsAndHolds:
    """The use cases that follow a settlement or a hold, by verb."""

    def __init__(
        self,
        request: Callable[[str, bytes], Request],
        by_agency: Callable[[], Request],
        bill: Callable[[Step, Before], SettleBill],
    ) -> None:
        """Ask as the case's institution; clear as its agency."""
        self._request = request
        self._by_agency = by_agency
        self._bill = bill
        self.verbs: Mapping[str, Callable[[ServiceContext, Step, Before], Awaitable[Reply]]] = {
            "cancel": self.cancel,
            "refund": self.refund,
            "replace": self.replace,
            "reverse": self.reverse,
            "hold": self.hold,
            "capture": self.capture,
            "let_go": self.let_go,
            "clear": self.clear,
        }

    async def cancel(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Take a settlement back whole."""
        request = self._request(step.key, b"")
        return await cancel(context, request, StreamId(before[step.of].subject), "told")

    async def refund(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Give a part back, by amount or by lines."""
        lines = tuple((line, fen(amount)) for line, amount in step.back) or None
        amount_fen = sum(part for _, part in lines) if lines else fen(step.amount)
        command = RefundBill(
            settlement=StreamId(before[step.of].subject),
            amount_fen=amount_fen,
            lines=lines,
            reason="told",
        )
        return await refund(context, self._request(step.key, step.amount.encode()), command)

    async def replace(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Settle a corrected bill in the place of another."""
        bill = self._bill(step, {})
        settlement_id = StreamId(before[step.of].subject)
        return await replace(context, self._request(step.key, bill.digest), settlement_id, bill)

    async def reverse(self, context: ServiceContext, step: Step, _: Before) -> Reply:
        """Undo what was asked under a key."""
        return await reverse(context, self._request(step.key, step.undo.encode()), step.undo)

    async def hold(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Set a bill's money aside."""
        bill = self._bill(step, before)
        return await hold(context, self._request(step.key, bill.digest), bill, step.expires_in)

    async def capture(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Debit what was held, or what a smaller bill takes of it."""
        total_fen = fen(step.total or step.personal)
        final = FinalBill(total_fen=total_fen, fund_pay_fen=fen(step.fund), lines=None)
        hold_id = StreamId(before[step.of].subject)
        request = self._request(step.key, repr(final).encode())
        return await capture(context, request, hold_id, final if total_fen else None)

    async def let_go(self, context: ServiceContext, step: Step, before: Before) -> Reply:
        """Release a hold."""
        return await release(
            context, self._request(step.key, b""), StreamId(before[step.of].subject)
        )

    async def clear(self, context: ServiceContext, step: Step, _: Before) -> Reply:
        """Pay the institution for its days."""
        assert step.until is not None
        code = step.counter.code if step.counter else HERE
        return await clear(context, self._by_agency(), code, step.until)
