"""What happens to bills after they were decided, or before they are final, over HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.cases.reading import Counter, Step
from tests.cases.world import Outcome

Before = Mapping[str, Outcome]
Post = Callable[[str, object, str], Awaitable[Outcome]]
"""A POST to a path by the case's institution, under a key or one of its own."""
Claim = Callable[[Step, Before], dict[str, Any]]
HERE = Counter().code


class HttpLater:
    """The operations that follow a settlement or a hold, by verb."""

    def __init__(self, post: Post, as_agency: Post, claim: Claim) -> None:
        """Ask as the case's institution; clear as its agency."""
        self._post = post
        self._as_agency = as_agency
        self._claim = claim
        self.verbs: Mapping[str, Callable[[Step, Before], Awaitable[Outcome]]] = {
            "cancel": self.cancel,
            "refund": self.refund,
            "replace": self.replace,
            "reverse": self.reverse,
            "hold": self.hold,
            "capture": self.capture,
            "let_go": self.let_go,
            "clear": self.clear,
        }

    async def cancel(self, step: Step, before: Before) -> Outcome:
        """Take a settlement back whole."""
        return await self._of(step, before, "cancellation", {"reason": "told"})

    async def refund(self, step: Step, before: Before) -> Outcome:
        """Give a part back, by amount or by lines."""
        lines = [{"line": line, "amount": amount} for line, amount in step.back]
        return await self._of(
            step, before, "refunds", {"lines": lines} if lines else {"amount": step.amount}
        )

    async def replace(self, step: Step, before: Before) -> Outcome:
        """Settle a corrected bill in the place of another."""
        return await self._of(step, before, "replacement", self._claim(step, {}))

    async def reverse(self, step: Step, _: Before) -> Outcome:
        """Undo what was asked under a key."""
        return await self._post("/v1/reversals", {"key": step.undo}, step.key)

    async def hold(self, step: Step, before: Before) -> Outcome:
        """Set a bill's money aside."""
        claim = self._claim(step, before) | {"expires_in": step.expires_in}
        return await self._post("/v1/holds", claim, step.key)

    async def capture(self, step: Step, before: Before) -> Outcome:
        """Debit what was held, or what a smaller bill takes of it."""
        total = step.total or step.personal
        bill = {"total": total, "fund_pay": step.fund} if total != "0.00" else {}
        path = f"/v1/holds/{before[step.of].subject}/capture"
        return await self._post(path, bill, step.key)

    async def let_go(self, step: Step, before: Before) -> Outcome:
        """Release a hold."""
        return await self._post(f"/v1/holds/{before[step.of].subject}/release", {}, step.key)

    async def clear(self, step: Step, _: Before) -> Outcome:
        """Pay the institution for its days."""
        code = step.counter.code if step.counter else HERE
        body = {"through": str(step.until)}
        return await self._as_agency(f"/v1/institutions/{code}/clearings", body, step.key)

    async def _of(self, step: Step, before: Before, word: str, body: object) -> Outcome:
        path = f"/v1/settlements/{before[step.of].subject}/{word}"
        return await self._post(path, body, step.key)
