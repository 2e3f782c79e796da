"""Reversals in two processes of one ledger: final whenever they arrive, and applied once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aggregates.account.events import Debited, DebitReturned
from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled, SettlementReversed
from service.account.accounts import look_at_account
from service.context import ServiceContext
from service.ledger.command import KeyReusedError, Reply
from service.settlement.cancel import cancel
from service.settlement.refund import RefundBill, refund
from service.settlement.reverse import reverse
from tests.service.settlement.settled_family import (
    AGENCY,
    FAMILY_FEN,
    HOSPITAL,
    PATIENT,
    SPONSORS,
    a_context,
    asked,
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


def told(reply: Reply) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(reply.answer)
    return answer


async def money(context: ServiceContext) -> int:
    """The balances of the whole family, in fen."""
    fen = 0
    for who in (PATIENT, *SPONSORS):
        balance = told(await look_at_account(context, AGENCY, who))["balance"]
        fen += sum(round(float(balance[bucket]) * 100) for bucket in ("current", "prior"))
    return fen


async def test_what_a_lost_command_did_is_undone(contexts: Contexts) -> None:
    """Every fen is returned, the bill may be settled again, and a repeat is a replay (S59)."""
    here, there = contexts
    first = await settled(here, "visit", key="k", fen=2500)
    undone = await reverse(there, asked(HOSPITAL, "r"), "k")
    again = await reverse(there, asked(HOSPITAL, "r"), "k")
    other = await reverse(here, asked(HOSPITAL, "r2"), "k")

    assert first.subject == told(undone)["settlement_id"]
    assert ("reversed", False) == (told(undone)["status"], told(undone)["tombstone"])
    assert {"own": "10.00", "aid": "15.00", "cash": "0.00"} == told(undone)["returned"]
    assert undone._replace(is_replayed=True) == again
    assert {"own": "0.00", "aid": "0.00", "cash": "0.00"} == told(other)["returned"]
    assert FAMILY_FEN == await money(here)
    assert "settled" == told(await settled(here, "visit", key="k2"))["status"]
    assert first.answer == (await settled(there, "visit", key="k", fen=2500)).answer


async def test_a_reversal_that_comes_first_is_final(contexts: Contexts) -> None:
    """The late command is refused in both processes, whatever its body (S60)."""
    here, there = contexts
    buried = await reverse(here, asked(HOSPITAL, "r"), "k")
    late = await settled(there, "visit", key="k")
    later = await settled(here, "visit", key="k", fen=7)

    assert (True, "reversed", None) == tuple(
        told(buried)[name] for name in ("tombstone", "status", "settlement_id")
    )
    assert ["REVERSED_BEFORE_ARRIVAL"] * 2 == [late.refusal, later.refusal]
    assert FAMILY_FEN == await money(here)
    assert "reversed" == told(await reverse(there, asked(HOSPITAL, "again"), "k"))["status"]
    assert "settled" == told(await settled(here, "visit", key="k2"))["status"]


async def test_a_command_and_its_reversal_at_once_have_one_end(contexts: Contexts) -> None:
    """Whichever is first: nothing is paid, and the command is reversed or refused."""
    for number in range(20):
        key = f"k{number}"
        settling, undone = await asyncio.gather(
            settled(contexts[number % 2], key, key=key),
            reverse(contexts[(number // 2) % 2], asked(HOSPITAL, f"r{number}"), key),
        )
        is_buried = settling.refusal is not None
        assert is_buried == told(undone)["tombstone"]
        assert {None, "REVERSED_BEFORE_ARRIVAL"} >= {settling.refusal}

    log = [recorded.event for recorded in await contexts[0].store.page(0, 10_000)]
    assert 20 == sum(isinstance(event, SettlementReversed) for event in log)
    assert FAMILY_FEN == await money(contexts[0])


async def test_of_many_who_take_it_back_one_does(contexts: Contexts) -> None:
    """Concurrent cancellations and reversals of one settlement return its money once (F37)."""
    first = await settled(contexts[0], "visit", key="k", fen=3000)
    assert first.subject is not None
    backs = [cancel(h, asked(HOSPITAL), first.subject, "told") for h in contexts for _ in range(3)]
    backs += [reverse(h, asked(HOSPITAL), "k") for h in contexts]
    replies = await asyncio.gather(*backs)

    refusals = {reply.refusal for reply in replies}
    assert {None} < refusals <= {None, "ALREADY_CANCELLED", "ALREADY_REVERSED"}
    log = [recorded.event for recorded in await contexts[0].store.page(0, 10_000)]
    debits = [e.current_fen + e.prior_fen for e in log if isinstance(e, Debited)]
    returns = [e.current_fen + e.prior_fen for e in log if isinstance(e, DebitReturned)]
    assert (3000, 3000) == (sum(debits), sum(returns))
    assert FAMILY_FEN == await money(contexts[1])


async def test_a_reversal_returns_what_refunds_left(contexts: Contexts) -> None:
    """After a partial refund the remainder is returned, to the fen."""
    here, there = contexts
    first = await settled(here, "visit", key="k", fen=2500)
    assert first.subject is not None
    part = RefundBill(settlement=first.subject, amount_fen=600, lines=None, reason="told")
    await refund(there, asked(HOSPITAL), part)
    undone = await reverse(here, asked(HOSPITAL), "k")

    assert {"own": "10.00", "aid": "9.00", "cash": "0.00"} == told(undone)["returned"]
    assert FAMILY_FEN == await money(there)


async def test_only_a_settlement_of_ones_own_is_reversed(contexts: Contexts) -> None:
    """A cancellation's key and the reversal's own are refused; a cancelled bill stays so."""
    here, there = contexts
    first = await settled(here, "visit", key="k")
    assert first.subject is not None
    await cancel(here, asked(HOSPITAL, "c"), first.subject, "told")

    assert "cancelled" == told(await reverse(there, asked(HOSPITAL), "k"))["status"]
    with pytest.raises(UnknownError):
        await reverse(there, asked(HOSPITAL), "c")
    with pytest.raises(KeyReusedError):
        await reverse(there, asked(HOSPITAL, "same"), "same")


async def test_a_refused_bill_has_nothing_to_reverse(contexts: Contexts) -> None:
    """The answer says that a refused bill is refused; it does not change."""
    here, there = contexts
    await settled(here, "visit", key="k")
    assert "DUPLICATE_CLAIM" == (await settled(here, "visit", key="twin")).refusal

    undone = await reverse(there, asked(HOSPITAL), "twin")

    assert "refused" == told(undone)["status"]
    log = [recorded.event for recorded in await there.store.page(0, 10_000)]
    assert 1 == sum(isinstance(event, Settled) for event in log)
    assert 0 == sum(isinstance(event, SettlementReversed) for event in log)
