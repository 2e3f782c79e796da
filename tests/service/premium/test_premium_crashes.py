"""A crash between two steps of a premium loses nothing and repeats nothing."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from aggregates.vocabulary import PremiumStatus, StreamId
from api.sandbox.tax import TaxBooks
from service.caller import Request, person
from service.context import Decide, ServiceContext, furnish
from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from service.ledger.store import OutcomeUnknownError
from service.premium.premiums import reverse
from service.premium.resolver import PremiumResolver
from service.regions.policy_book import load
from service.vault import Vault
from tests.cases.outcome import StoppedClock
from tests.cases.service_premiums import ServicePremiums, waiting_in
from tests.service.premium.premium_family import AT, check_money, paid, settle_in
from tests.service.settlement.settled_family import asked, pass_time, stopped_clock

BOOK = load(Path(__file__).parents[3] / "service" / "regions")
KEYS = Vault(bytes(32), bytes(32))


class CutOffError(Exception):
    """The process is killed here."""


@dataclass
class Cut(ServiceContext):
    """A context that crashes before its next step, or right after it was recorded."""

    steps_left: int = 1_000
    after: bool = False

    @override
    async def do(self, request: Request, decide: Decide) -> Reply:
        self.steps_left -= 1
        if self.steps_left < 0 and not self.after:
            raise CutOffError
        reply = await super().do(request, decide)
        if self.steps_left < 0:
            raise CutOffError
        return reply


def a_context(store: MemoryStore, books: TaxBooks, clock: StoppedClock) -> Cut:
    made = furnish(store, KEYS, BOOK, clock)
    tax = ServicePremiums(lambda: made, lambda _, __: asked())
    tax.books = books
    context = Cut(made.store, made.appender, made.clock, made.vault, made.policies)
    context.tax = tax.tax_side()
    return context


async def a_family(books: TaxBooks) -> Cut:
    """A context with the family, before anything is paid."""
    clock = StoppedClock()
    clock.at = AT
    context = a_context(MemoryStore(), books, clock)
    await settle_in(context)
    return context


async def next_process(context: Cut, books: TaxBooks) -> Cut:
    """A context after the crash: the same log, the same tax authority."""
    assert isinstance(context.store, MemoryStore)
    await context.close()
    return a_context(context.store, books, stopped_clock(context))


async def taken_on(context: ServiceContext) -> int:
    return await PremiumResolver(context, waiting_in(context), 0.0).once()


STEPS = [(1, False), (1, True), (2, False), (2, True), (0, True)]
"""Cut off before or after a step was recorded: 0 holds, 1 sends, 2 says what was answered."""


@pytest.mark.parametrize("behaviour", ["normal", "duplicate", "late", "lost", "garbled"])
@pytest.mark.parametrize(("steps", "after"), STEPS)
async def test_a_payment_cut_off_anywhere_ends_once(
    steps: int, *, after: bool, behaviour: str
) -> None:
    """The next process continues: booked and debited once, or neither."""
    books = TaxBooks(late_s=1.0)
    context = await a_family(books)
    books.behaviour = behaviour
    context.steps_left, context.after = steps, after
    with pytest.raises(CutOffError):
        await paid(context, "S1", "key")
    context = await next_process(context, books)
    books.behaviour = "normal" if behaviour != "duplicate" else behaviour

    while await taken_on(context):
        pass
    (premium,) = await check_money(context, books.booked)
    again = await paid(context, "S1", "key")
    other = await paid(context, "S2")

    refused = "PREMIUM_ALREADY_PAID" if behaviour == "duplicate" else None
    expected = PremiumStatus.REJECTED if refused else PremiumStatus.CONFIRMED
    assert (expected, refused) == (premium.status, again.refusal)
    assert again.is_replayed
    assert "PREMIUM_ALREADY_PAID" == other.refusal
    await check_money(context, books.booked)
    await context.close()


async def test_a_payment_cut_off_before_its_hold_never_was() -> None:
    """Nothing is held or recorded, and the key is free."""
    books = TaxBooks()
    context = await a_family(books)
    context.steps_left = 0
    with pytest.raises(CutOffError):
        await paid(context, "S1", "key")
    context = await next_process(context, books)

    assert 0 == await taken_on(context)
    assert [] == await check_money(context, 0)
    assert not (await paid(context, "S1", "key")).is_replayed
    await check_money(context, 1)
    await context.close()


async def a_day_after_paying() -> tuple[Cut, TaxBooks, StreamId]:
    books = TaxBooks(late_s=1.0)
    context = await a_family(books)
    premium_id = StreamId(json.loads((await paid(context, "S1", "key")).answer)["premium_id"])
    pass_time(context, timedelta(days=1))
    return context, books, premium_id


@pytest.mark.parametrize("behaviour", ["normal", "benefit_used", "late", "lost", "wrong_amount"])
@pytest.mark.parametrize(("steps", "after"), [(0, True), (1, False), (1, True)])
async def test_a_reversal_cut_off_anywhere_ends_once(
    steps: int, *, after: bool, behaviour: str
) -> None:
    """A reversal happens once at both, or at neither."""
    context, books, premium_id = await a_day_after_paying()
    books.behaviour = behaviour
    context.steps_left, context.after = steps, after
    request = asked(person(KEYS, "S1"), "back")
    is_silent = behaviour in {"late", "lost", "wrong_amount"}
    if is_silent and steps == 1:
        await reverse(context, request, premium_id, "told")  # no answer, so no second step
    else:
        with pytest.raises(CutOffError):
            await reverse(context, request, premium_id, "told")
    context = await next_process(context, books)
    books.behaviour = "normal" if is_silent else behaviour

    while await taken_on(context):
        pass
    (premium,) = await check_money(context, books.booked)
    again = await reverse(context, request, premium_id, "told")

    is_kept = behaviour == "benefit_used"
    expected = PremiumStatus.CONFIRMED if is_kept else PremiumStatus.REVERSED
    assert (expected, is_kept) == (premium.status, books.booked == 1)
    assert ("BENEFIT_USED" if is_kept else None) == again.refusal
    await context.close()


async def test_a_ledger_lost_on_the_way_is_no_lost_payment() -> None:
    """The append of an outcome is retried until it is recorded."""
    books = TaxBooks()
    context = await a_family(books)
    assert isinstance(context.store, MemoryStore)
    context.store.fail_next = OutcomeUnknownError("cut")

    assert (await paid(context, "S1", "key")).refusal is None
    (premium,) = await check_money(context, 1)
    assert PremiumStatus.CONFIRMED is premium.status
    await context.close()


async def test_two_that_take_on_the_same_book_it_once() -> None:
    """Many resolvers at once, on one premium that was never sent."""
    books = TaxBooks()
    context = await a_family(books)
    context.steps_left = 1
    with pytest.raises(CutOffError):
        await paid(context, "S1", "key")
    context = await next_process(context, books)
    await asyncio.gather(*(taken_on(context) for _ in range(8)))
    while await taken_on(context):
        pass

    (premium,) = await check_money(context, 1)
    assert PremiumStatus.CONFIRMED is premium.status
    assert 1 == len(books.orders)
    await context.close()
