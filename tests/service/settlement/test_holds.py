"""Holds through the use cases: placed, captured or released as one unit."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from aggregates.refusals import UnknownError
from service.account import accounts
from service.caller import institution
from service.context import ServiceContext, furnish
from service.ids import stream_of
from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from service.person.credentials import Identity
from service.settlement.capture import FinalBill, capture
from service.settlement.claims import SettleBill
from service.settlement.holds import hold, look_at_hold, release
from service.settlement.queries import look_at_settlement
from service.settlement.quote import quote
from service.settlement.settle import settle
from service.vault import Vault
from tests.api.clients import BOOK
from tests.cases.outcome import StoppedClock
from tests.service.settlement.settled_family import (
    AGENCY,
    HOSPITAL,
    PATIENT,
    SPONSORS,
    asked,
    move_in,
    pass_time,
    settled,
)

AT = datetime(2026, 12, 31, 2, tzinfo=UTC)
OTHER = institution("H99000000002")


@pytest.fixture
async def context() -> AsyncIterator[ServiceContext]:
    """A patient with 10.00 and a sponsor with 20.00 in memory, on the last day of a year."""
    clock = StoppedClock()
    clock.at = AT
    opened = furnish(MemoryStore(), Vault(bytes(32), bytes(32)), BOOK, clock)
    await move_in(opened, ("S1",))
    yield opened
    await opened.close()


def a_bill(visit: str, fen: int = 2500) -> SettleBill:
    return SettleBill(
        beneficiary=Identity("person_no", PATIENT),
        visit=visit,
        charge_batch="1",
        med_type="11",
        treated_at=AT,
        total_fen=fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=sha256(visit.encode()).digest(),
    )


async def held(
    context: ServiceContext, visit: str = "v", fen: int = 2500, ttl_s: int = 900
) -> dict[str, Any]:
    return told(await hold(context, asked(HOSPITAL), a_bill(visit, fen), ttl_s))


def told(reply: Reply) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(reply.answer)
    return answer | {"refusal": reply.refusal}


async def balances(context: ServiceContext) -> dict[str, tuple[str, str]]:
    """The held and available money of each account."""
    found = {}
    for who in (PATIENT, *SPONSORS):
        balance = told(await accounts.look_at_account(context, AGENCY, who))["balance"]
        found[who] = (balance["held"], balance["available"])
    return found


async def test_a_hold_sets_the_whole_cascade_aside(context: ServiceContext) -> None:
    """Own money first, then the sponsors'; no other bill can use it."""
    answer = await held(context)

    assert ("10.00", "15.00", "0.00") == tuple(answer[n] for n in ("own", "aid", "cash"))
    assert {PATIENT: ("10.00", "0.00"), "S1": ("15.00", "5.00"), "S2": ("0.00", "20.00")} == (
        await balances(context)
    )
    other = told(await settled(context, "other", fen=4000))
    assert ("0.00", "5.00", "35.00") == tuple(other[n] for n in ("own", "aid", "cash"))


async def test_what_was_held_is_debited(context: ServiceContext) -> None:
    """Captured whole: the same split, nothing is held, and an ordinary settlement."""
    answer = await held(context)
    done = told(await capture(context, asked(HOSPITAL), answer["hold_id"], None))

    assert ("settled", "10.00", "15.00") == (done["status"], done["own"], done["aid"])
    assert {PATIENT: ("0.00", "0.00"), "S1": ("0.00", "5.00"), "S2": ("0.00", "20.00")} == (
        await balances(context)
    )
    seen = told(await look_at_hold(context, HOSPITAL, stream_of("hld", answer["hold_id"])))
    assert ("captured", done["settlement_id"]) == (seen["status"], seen["settlement_id"])
    settlement = stream_of("stl", done["settlement_id"])
    assert "25.00" == told(await look_at_settlement(context, HOSPITAL, settlement))["personal"]
    assert "DUPLICATE_CLAIM" == (await settled(context, "v", key="again")).refusal


@pytest.mark.parametrize(
    ("total_fen", "expected"),
    [(2500, ("10.00", "15.00")), (1200, ("10.00", "2.00")), (700, ("7.00", "0.00"))],
)
async def test_a_smaller_bill_takes_less(
    context: ServiceContext, total_fen: int, expected: tuple[str, str]
) -> None:
    """Held money that is not needed is released; own money still pays first."""
    answer = await held(context)
    final = FinalBill(total_fen=total_fen, fund_pay_fen=0, lines=None)
    done = told(await capture(context, asked(HOSPITAL), answer["hold_id"], final))

    assert expected == (done["own"], done["aid"])
    assert {"0.00"} == {kept for kept, _ in (await balances(context)).values()}


async def test_a_bill_does_not_grow_under_its_hold(context: ServiceContext) -> None:
    """More than was held is refused, and the hold stays."""
    answer = await held(context)
    final = FinalBill(total_fen=2501, fund_pay_fen=0, lines=None)

    refused = await capture(context, asked(HOSPITAL), answer["hold_id"], final)

    assert "CAPTURE_EXCEEDS" == refused.refusal
    assert ("10.00", "0.00") == (await balances(context))[PATIENT]


async def test_a_hold_outlives_a_freeze_and_not_an_end(context: ServiceContext) -> None:
    """A hold before a freeze is debited; of an ended account nothing is (policy.md §3.3)."""
    first, second = await held(context, "v1", 1500), await held(context, "v2", 1500)
    await status(context, "S1", "FROZEN")
    done = told(await capture(context, asked(HOSPITAL), first["hold_id"], None))
    assert ("10.00", "5.00") == (done["own"], done["aid"])

    await status(context, "S1", "CLOSED")
    refused = await capture(context, asked(HOSPITAL), second["hold_id"], None)
    again = told(await settled(context, "v2", key="anew", fen=1500))

    assert "HOLD_VOID" == refused.refusal
    assert ("0.00", "0.00") == (again["own"], again["aid"])


async def status(context: ServiceContext, who: str, word: str) -> None:
    change = accounts.ChangeStatus(
        person_no=who, status=word, reason="told", effective_on=None, successor=None
    )
    assert (await accounts.change_status(context, asked(), change)).refusal is None


async def test_a_hold_runs_out_by_itself(context: ServiceContext) -> None:
    """It is in force until its last second, and expires without an event."""
    answer = await held(context, ttl_s=60)
    pass_time(context, timedelta(seconds=59))
    assert ("10.00", "0.00") == (await balances(context))[PATIENT]
    pass_time(context, timedelta(seconds=1))

    assert ("0.00", "10.00") == (await balances(context))[PATIENT]
    refused = await capture(context, asked(HOSPITAL), answer["hold_id"], None)
    assert "HOLD_VOID" == refused.refusal
    assert "expired" == told(await release(context, asked(HOSPITAL), answer["hold_id"]))["status"]
    assert "settled" == told(await settled(context, "v", fen=2500))["status"]


async def test_a_hold_that_is_let_go_frees_its_bill(context: ServiceContext) -> None:
    """Released once; afterwards it cannot be captured, and the bill may be settled."""
    answer = await held(context)
    gone = told(await release(context, asked(HOSPITAL), answer["hold_id"]))

    assert "released" == gone["status"]
    assert "HOLD_VOID" == (await release(context, asked(HOSPITAL), answer["hold_id"])).refusal
    assert "HOLD_VOID" == (await capture(context, asked(HOSPITAL), answer["hold_id"], None)).refusal
    assert {"0.00"} == {kept for kept, _ in (await balances(context)).values()}
    assert "settled" == told(await settled(context, "v", fen=2500))["status"]


async def test_the_bill_itself_takes_its_hold_s_place(context: ServiceContext) -> None:
    """A settlement or a new hold of the same visit and batch can use the held money."""
    first = await held(context, fen=3000)
    second = await held(context, fen=2900)
    assert "29.00" == second["personal"]
    assert "released" == told(await look_at_hold(context, HOSPITAL, first["hold_id"]))["status"]
    done = told(await settled(context, "v", fen=3000))

    assert ("10.00", "20.00", "0.00") == tuple(done[n] for n in ("own", "aid", "cash"))
    assert {"0.00"} == {kept for kept, _ in (await balances(context)).values()}


async def test_a_hold_over_new_year_is_debited_from_prior_money(context: ServiceContext) -> None:
    """Its current money is prior money after midnight, and still held."""
    answer = await held(context, ttl_s=5 * 86_400)
    pass_time(context, timedelta(days=2))
    assert ("10.00", "0.00") == (await balances(context))[PATIENT]
    done = told(await capture(context, asked(HOSPITAL), answer["hold_id"], None))

    assert ("10.00", "15.00") == (done["own"], done["aid"])
    sponsor = told(await accounts.look_at_account(context, AGENCY, "S1"))["balance"]
    assert ("0.00", "5.00") == (sponsor["current"], sponsor["prior"])


async def test_a_hold_is_its_institution_s_alone(context: ServiceContext) -> None:
    """Another institution cannot read, capture or release it."""
    answer = await held(context)

    for use in (
        look_at_hold(context, OTHER, answer["hold_id"]),
        capture(context, asked(OTHER), answer["hold_id"], None),
        release(context, asked(OTHER), answer["hold_id"]),
    ):
        with pytest.raises(UnknownError):
            await use


async def test_a_quote_holds_where_its_region_says_so(context: ServiceContext) -> None:
    """Under `hold_on_quote` the quoted money is held until the bill is settled by the quote."""
    edition = BOOK.editions("990000")[0]
    holding = replace(edition, quote=replace(edition.quote, hold_on_quote=True))
    book = type(BOOK)({"990000": (holding,)})
    there = furnish(MemoryStore(), Vault(bytes(32), bytes(32)), book, context.clock)
    await move_in(there)
    quoted = told(await quote(there, HOSPITAL, a_bill("v", 4500)))
    other = told(await settled(there, "other", fen=1000))
    done = await settle(
        there, asked(HOSPITAL), replace(a_bill("v", 4500), plan=quoted["plan_hash"])
    )

    assert ("0.00", "5.00", "5.00") == tuple(other[n] for n in ("own", "aid", "cash"))
    assert (None, "0.00") == (done.refusal, told(done)["cash"])
    await there.close()


async def test_a_quote_of_a_held_bill_finds_what_is_held_for_it(context: ServiceContext) -> None:
    """The hold stays, and the quote is what settling in its place would pay."""
    answer = await held(context, fen=3000)
    quoted = told(await quote(context, HOSPITAL, a_bill("v", 3000)))

    assert ("10.00", "20.00", "0.00") == tuple(quoted[n] for n in ("own", "aid", "cash"))
    assert "held" == told(await look_at_hold(context, HOSPITAL, answer["hold_id"]))["status"]


async def test_a_hold_that_ran_out_is_written_down_once(context: ServiceContext) -> None:
    """The second release of an expired hold is refused."""
    answer = await held(context, ttl_s=60)
    pass_time(context, timedelta(seconds=60))

    assert "expired" == told(await release(context, asked(HOSPITAL), answer["hold_id"]))["status"]
    assert "HOLD_VOID" == (await release(context, asked(HOSPITAL), answer["hold_id"])).refusal
