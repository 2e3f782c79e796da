"""Two processes on one ledger: each sees what the other appended."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled
from service.account.accounts import look_at_account
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import KeyReusedError, Reply
from service.settlement.cancel import cancel
from service.settlement.queries import find_by_key, is_key_used, look_at_settlement
from tests.service.settlement.settled_family import (
    AGENCY,
    FAMILY_FEN,
    HOSPITAL,
    PATIENT,
    a_context,
    asked,
    check_sums,
    move_in,
    settled,
)

Contexts = tuple[ServiceContext, ServiceContext]


@pytest.fixture
async def contexts(dsn: str, tmp_path: Path) -> AsyncIterator[Contexts]:
    """Two contexts on one ledger, with one key file."""
    async with a_context(dsn, tmp_path) as here, a_context(dsn, tmp_path) as there:
        await move_in(here)
        yield here, there


async def test_a_bill_cancelled_there_is_settled_anew_here(contexts: Contexts) -> None:
    """A live settlement is not cached: the other process may have cancelled it."""
    here, there = contexts
    for context, other in (contexts, (there, here), contexts):
        first = await settled(context, "visit", key=f"s{id(context)}{context.appender.commands}")
        assert first.refusal is None
        assert first.subject is not None
        await cancel(other, asked(HOSPITAL), first.subject, "told")
    answer = json.loads((await settled(here, "visit", key="last")).answer)

    assert "settled" == answer["status"]


async def test_a_duplicate_names_the_live_settlement(contexts: Contexts) -> None:
    """Whichever process settled a visit, both refuse it afterwards and name the settlement."""
    here, there = contexts
    first = await settled(here, "visit", key="first")
    refused = [await settled(context, "visit", key=f"again {id(context)}") for context in contexts]
    raced = await asyncio.gather(
        *(settled(h, "raced", key=f"{n} {id(h)}") for n in range(4) for h in contexts)
    )

    assert {first.subject} == {json.loads(r.answer)["settlement_id"] for r in refused}
    (winner,) = [reply.subject for reply in raced if reply.refusal is None]
    losers = [reply for reply in raced if reply.refusal is not None]
    assert {"DUPLICATE_CLAIM"} == {reply.refusal for reply in (*refused, *losers)}
    assert {winner} == {json.loads(reply.answer)["settlement_id"] for reply in losers}
    assert stream_of("stl", str(winner)) == winner
    assert there.appender.commands > 0


async def test_a_key_is_known_in_both(contexts: Contexts) -> None:
    """A key used in one process is replayed in the other, and finds its settlement."""
    here, there = contexts
    first = await settled(here, "visit", key="k")
    again = await settled(there, "visit", key="k")

    assert first._replace(is_replayed=True) == again
    assert first.subject == await find_by_key(there, HOSPITAL, "k")
    assert first.subject is not None
    assert first.position == (await look_at_settlement(there, HOSPITAL, first.subject)).position
    assert not await is_key_used(there, AGENCY, "k")
    with pytest.raises(KeyReusedError):
        await cancel(there, asked(HOSPITAL, "k")._replace(digest=b"other"), first.subject, "told")
    with pytest.raises(UnknownError):
        await find_by_key(here, HOSPITAL, "never")


async def test_both_fight_for_the_last_fen(contexts: Contexts) -> None:
    """Concurrent bills for more than the balance: to the fen, and no balance below zero."""
    here, there = contexts
    keys = [f"bill {n}" for n in range(60)]
    told = await asyncio.gather(
        *(settled(h, k, fen=101) for k, h in zip(keys, itertools.cycle(contexts), strict=False))
    )
    replies: dict[str, Reply] = dict(zip(keys, told, strict=True))

    await check_sums(there, replies)
    log = await here.store.page(0, 100_000)
    paid = [e.event.own_fen + e.event.aid_fen for e in log if isinstance(e.event, Settled)]
    assert FAMILY_FEN == sum(paid)
    balance = json.loads((await look_at_account(there, AGENCY, PATIENT)).answer)["balance"]
    assert "0.00" == balance["current"]
