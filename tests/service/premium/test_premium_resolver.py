"""The back-off of premiums that the tax authority does not answer."""

from datetime import timedelta

from aggregates.vocabulary import StreamId
from api.sandbox.tax import TaxBooks
from service.premium.resolver import PremiumResolver
from tests.cases.service_premiums import waiting_in
from tests.projections.recorded_families import an_id
from tests.service.premium.premium_family import check_money, paid
from tests.service.premium.test_premium_crashes import a_family
from tests.service.settlement.settled_family import pass_time

LOOK_S = 5


async def test_a_silent_tax_side_is_asked_ever_more_seldom() -> None:
    """The delay doubles up to five minutes; after an answer there are no retries."""
    books = TaxBooks()
    context = await a_family(books)
    books.behaviour = "down"
    await paid(context, "S1", "key")
    resolver = PremiumResolver(context, waiting_in(context), 0.0)
    asked_s = []
    for second in range(0, 1300, LOOK_S):
        if await resolver.once():
            asked_s.append(second)
        pass_time(context, timedelta(seconds=LOOK_S))
    books.behaviour = "normal"
    pass_time(context, timedelta(minutes=5))

    assert [0, 5, 15, 35, 75, 155, 315, 615, 915, 1215] == asked_s
    assert [1, 0] == [await resolver.once(), await resolver.once()]
    await check_money(context, 1)
    await context.close()


async def test_a_rest_is_one_premium_s_own() -> None:
    """Another premium is retried at once, and so is one that becomes open again."""
    context = await a_family(TaxBooks())
    left: list[StreamId] = []

    async def waiting(_before_us: int, _limit: int) -> list[StreamId]:
        return list(left)

    resolver = PremiumResolver(context, waiting)
    first, second = an_id("prm", 1), an_id("prm", 2)
    asked = []
    for now_left in ([first], [first], [first, second], [first, second], [second], [first]):
        left[:] = now_left
        asked.append(await resolver.once())

    assert [1, 0, 1, 0, 0, 1] == asked
    await context.close()
