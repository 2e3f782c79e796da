"""Two processes, one tax authority: a person's premium of a year is paid once (S106)."""

import asyncio
from pathlib import Path

import httpx

from api.sandbox.tax import TaxBooks, create_sandbox
from service.adapters.tax_authority import Tax
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.settings import Settings
from tests.service.premium.premium_family import AT, SPONSORS, check_money, paid, settle_in

LOSES = {"PREMIUM_ALREADY_PAID", "PREMIUM_IN_PROGRESS"}


async def a_context(dsn: str, place: Path, books: TaxBooks) -> ServiceContext:
    settings = Settings.read({"GONGJI_DATA": str(place)})
    context = await open_postgres(settings, dsn, business_clock(AT))
    transport = httpx.ASGITransport(app=create_sandbox(books))
    context.tax = Tax("http://tax", httpx.AsyncClient(transport=transport), 2.0)
    return context


async def test_two_sponsors_at_two_houses_pay_once(dsn: str, tmp_path: Path) -> None:
    """Of concurrent payments at most one succeeds, and the others hold nothing."""
    books = TaxBooks()
    contexts = [await a_context(dsn, tmp_path, books) for _ in range(2)]
    await settle_in(contexts[0])
    booked_at_once: list[int] = []
    for behaviour in ("duplicate", "duplicate", "normal", "normal"):
        books.behaviour = behaviour
        replies = await asyncio.gather(
            *(paid(context, sponsor) for context in contexts for sponsor in SPONSORS)
        )
        won = [reply for reply in replies if reply.refusal is None]
        lost = {reply.refusal for reply in replies if reply.refusal is not None}

        assert lost <= LOSES
        await check_money(contexts[1], books.booked)
        booked_at_once.append(len(won))

    assert [0, 0, 1, 0] == booked_at_once
    assert 1 == books.booked
    for context in contexts:
        await context.close()


async def test_one_key_at_two_houses_is_one_payment(dsn: str, tmp_path: Path) -> None:
    """The same request at both: one premium, one debit, the same answer."""
    books = TaxBooks()
    contexts = [await a_context(dsn, tmp_path, books) for _ in range(2)]
    await settle_in(contexts[0])
    replies = await asyncio.gather(*(paid(context, "S1", "key") for context in contexts * 4))
    later = [await paid(context, "S1", "key") for context in contexts]

    assert {None} == {reply.refusal for reply in (*replies, *later)}
    assert 1 == len({reply.answer for reply in later})
    assert 1 == len(books.orders)
    await check_money(contexts[0], 1)
    for context in contexts:
        await context.close()
