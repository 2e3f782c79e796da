"""The same days lived under two sets of rules: bills, refunds, cancellations and holds."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 -- a fixed seed makes the same days

from pydantic_core import from_json

from aggregates.policy.edition import Edition
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import BEIJING, StreamId
from service.context import ServiceContext, furnish
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from service.settlement import cancel, capture, holds, refund
from service.settlement.settle import settle
from service.vault import Vault
from tests.bench.families import HOSPITAL, Family, bill, families, move_in, settling
from tests.cases.outcome import StoppedClock
from tests.service.rehearsal.rehearsing import book_of

KEYS = Vault(bytes(32), bytes(32))
BEGAN_AT = datetime(2026, 3, 2, 10, tzinfo=BEIJING)
Net = list[tuple[int, int, int]]
"""What own money, aid and cash pay in the end of each settlement, in fen, oldest first."""


async def lived(edition: Edition, days: int, seed: int) -> tuple[MemoryStore, Net]:
    """Days of nine families under an edition; the log, and what was paid in the end."""
    clock = StoppedClock()
    clock.at = BEGAN_AT
    store = MemoryStore()
    context = furnish(store, KEYS, book_of((edition,)), clock)
    await publish(context)
    people = families(9)
    await move_in(context, people)
    settled: list[StreamId] = []
    dice = Random(seed)  # noqa: S311 -- no secret
    for number in range(days):
        clock.at += timedelta(hours=dice.choice([1, 20, 200]))
        settled += await _a_day(context, dice.choice(people), number, dice)
        if settled and dice.random() < 0.4:
            await _give_back(context, dice.choice(settled), number, dice)
    nets = [await _net(context, stream) for stream in settled]
    await context.close()
    return store, nets


async def _a_day(
    context: ServiceContext, family: Family, number: int, dice: Random
) -> Sequence[StreamId]:
    """A bill that is settled at once, or held first and then captured or not."""
    asked, request = bill(family, number), settling(HOSPITAL, f"{family.patient}-{number}")
    what = dice.choice(["settle", "settle", "settle", "capture", "hold"])
    if what == "settle":
        reply = await settle(context, request, asked)
    else:
        reply = await holds.hold(context, request, asked, 86_400)
        hold_id = StreamId(from_json(reply.answer)["hold_id"])
        again = request._replace(key=f"c-{number}")
        if what == "hold":
            if dice.random() < 0.5:
                await holds.release(context, again, hold_id)
            return []
        less = capture.FinalBill(total_fen=asked.total_fen // 2, fund_pay_fen=0, lines=None)
        final = dice.choice([None, less])
        reply = await capture.capture(context, again, hold_id, final)
    assert reply.refusal is None, reply
    assert reply.subject is not None, "a settlement has its stream"
    return [reply.subject]


async def _give_back(
    context: ServiceContext, settlement: StreamId, number: int, dice: Random
) -> None:
    request = settling(HOSPITAL, f"back-{number}")
    if dice.random() < 0.3:
        await cancel.cancel(context, request, settlement, "again")
        return
    part = refund.RefundBill(
        settlement=settlement, amount_fen=dice.randint(1, 900), lines=None, reason="part"
    )
    await refund.refund(context, request, part)


async def _net(context: ServiceContext, stream: StreamId) -> tuple[int, int, int]:
    state = (await context.store.read((stream,), ())).heads[stream].state
    assert isinstance(state, Settlement), "it was settled"
    stay = state.stay
    return (0, 0, 0) if stay is None else (stay.own_fen, stay.aid_fen, stay.cash_fen)


def sums(nets: Net) -> dict[str, int]:
    """All settlements together."""
    total: Counter[str] = Counter()
    for own, aid, cash in nets:
        total.update(own=own, aid=aid, cash=cash)
    return dict(total)
