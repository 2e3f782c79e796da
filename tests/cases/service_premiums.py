"""Premiums of a case, as the doors call their use cases, and a tax side without a socket."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping

import httpx
from typing_extensions import override

from aggregates.premium.premium import OPEN, Premium
from aggregates.vocabulary import StreamId
from api.sandbox.tax import TaxBooks, create_sandbox
from service.adapters.tax_authority import Tax
from service.caller import Request
from service.context import ServiceContext
from service.ledger.memory_store import MemoryStore
from service.premium import premiums
from service.premium.resolver import PremiumResolver
from tests.cases.outcome import told
from tests.cases.reading import Step
from tests.cases.world import Outcome


class InMemory(httpx.AsyncBaseTransport):
    """The stand-in without a socket; what comes late by design is a timeout at once."""

    def __init__(self, books: TaxBooks) -> None:
        """Book in these books."""
        self._books = books
        self._app = httpx.ASGITransport(app=create_sandbox(books))
        books.late_s = 0.0

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_late = self._books.behaviour in {"late", "lost"}
        answer = await self._app.handle_async_request(request)
        if is_late:
            raise httpx.ReadTimeout("late by design", request=request)
        return answer


class ServicePremiums:
    """The premiums that answers named, and the tax side behind them."""

    def __init__(
        self, context: Callable[[], ServiceContext], call: Callable[[str, str], Request]
    ) -> None:
        """Begin with empty books."""
        self._context = context
        self._call = call
        self.books = TaxBooks()
        self.verbs: Mapping[str, Callable[[Step, Mapping[str, Outcome]], Awaitable[Outcome]]] = {
            "premium": self._pay,
            "reverse_premium": self._reverse,
            "look_premium": self._look,
            "tax": self._behave,
            "resolve": self._resolve,
        }

    def tax_side(self) -> Tax:
        """The stand-in, spoken to as over HTTP."""
        client = httpx.AsyncClient(transport=InMemory(self.books))
        return Tax("http://tax", client)

    async def _pay(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        command = premiums.PayPremium(
            sponsor=None, payee=step.who, insurance=step.insurance, year=step.year, tier=step.tier
        )
        body = hashlib.sha256(repr(command).encode()).digest()
        request = self._call(step.by, step.key)._replace(digest=body)
        return told(await premiums.pay(self._context(), request, command))

    async def _reverse(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        premium_id = StreamId(before[step.of].subject)
        request = self._call(step.by, step.key)
        return told(await premiums.reverse(self._context(), request, premium_id, "told"))

    async def _look(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        premium_id = StreamId(before[step.of].subject)
        caller = self._call(step.by or "agency", "").caller
        return told(await premiums.look_at_premium(self._context(), caller, premium_id))

    async def _behave(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        self.books.behaviour = step.behaviour
        return Outcome()

    async def _resolve(self, _: Step, __: Mapping[str, Outcome]) -> Outcome:
        await PremiumResolver(self._context(), waiting_in(self._context()), 0.0).once()
        return Outcome()


def waiting_in(context: ServiceContext) -> Callable[[int, int], Awaitable[list[StreamId]]]:
    """What waits for the tax side in a ledger in memory, however lately."""
    store = context.store
    assert isinstance(store, MemoryStore)

    async def waiting(_: int, limit: int) -> list[StreamId]:
        heads = store.heads.items()
        found = [s for s, h in heads if isinstance(h.state, Premium) and h.state.status in OPEN]
        return found[:limit]

    return waiting
