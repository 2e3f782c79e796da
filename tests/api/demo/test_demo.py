"""The demo: every rule occurs, the sums add up, and a day is told once, however it was cut."""

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from typing_extensions import override

from aggregates.account.events import Credited, Debited, DebitReturned
from aggregates.settlement.events import RecoveryDue, Settled, SettlementRefused
from aggregates.vocabulary import Reason, StreamId
from api.demo.families import ACCOUNTS, FAMILIES, MEMBERS, PEOPLE
from api.demo.run import tell_a_day
from api.demo.steps import people
from api.demo.text import WIDTH
from api.http.texts import REASON_TEXTS
from service.caller import Request
from service.command_batch import carry_out
from service.context import Decide, ServiceContext, furnish
from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from tests.api.clients import BOOK, LEDGER_KEYS, NOW
from tests.cases.outcome import StoppedClock

NEVER_GIVEN = {
    Reason.CANNOT_COVER: "no shipped region looks for the first sponsor who covers a whole bill",
    Reason.FUND_PAYS: "only Zibo has such a rule, and nobody of the day is insured there",
    Reason.CODE_REQUIRED: "only Guangdong has such a rule, and nobody of the day is insured there",
    Reason.AID_UNUSED: "nobody of the day turns aid down",
}
"""Reasons that the day cannot show, and why not."""
SETTLEMENT = re.compile(r"stl_[0-9a-f]{32}")


class CutOffError(Exception):
    """The process is killed here."""


@dataclass
class Passing(ServiceContext):
    """A house that is cut off after so many requests; 0 never."""

    cut_at: int = 0
    asked: list[str] = field(default_factory=list)

    @override
    async def do(self, request: Request, decide: Decide) -> Reply:
        self.asked.append(request.key)
        if len(self.asked) > self.cut_at > 0:
            raise CutOffError
        return await super().do(request, decide)


async def a_context(store: MemoryStore | None = None, hours: int = 0, cut_at: int = 0) -> Passing:
    """A ledger in memory with every region's rules published, as it starts at some hour."""
    clock = StoppedClock()
    clock.at = NOW + timedelta(hours=hours)
    made = furnish(store or MemoryStore(), LEDGER_KEYS, BOOK, clock)
    await publish(made)
    return Passing(made.store, made.appender, made.clock, made.vault, made.policies, cut_at=cut_at)


@pytest.fixture
async def context() -> AsyncIterator[Passing]:
    """A house where nothing was told yet."""
    made = await a_context()
    yield made
    await made.close()


def log_of(context: ServiceContext) -> list[tuple[StreamId, object]]:
    assert isinstance(context.store, MemoryStore)
    return [(recorded.stream, recorded.event) for recorded in context.store.log]


def settled_in(context: ServiceContext) -> list[tuple[StreamId, Settled]]:
    return [(stream, event) for stream, event in log_of(context) if isinstance(event, Settled)]


def moved_fen(event: object) -> int:
    match event:
        case Credited(amount_fen=fen):
            return fen
        case Debited(current_fen=current, prior_fen=prior):
            return -current - prior
        case DebitReturned(current_fen=current, prior_fen=prior):
            return current + prior
        case _:
            return 0


def balances_of(context: ServiceContext) -> list[int]:
    """What is on each account that ever moved, in the order of its first movement."""
    fen: dict[StreamId, int] = {}
    for stream, event in log_of(context):
        if moved := moved_fen(event):
            fen[stream] = fen.get(stream, 0) + moved
    return sorted(fen.values())


def yuan_in(lines: Iterable[str]) -> int:
    """All that is left on the accounts, in fen, as it was told."""
    told = " ".join(lines)
    return sum(int(found.replace(".", "")) for found in re.findall(r"\d+\.\d\d", told))


def without_ids(told: str) -> str:
    return SETTLEMENT.sub("stl", told)


async def test_every_reason_occurs(context: Passing) -> None:
    """The day shows each reason that the shipped rules can give, and each has words."""
    await tell_a_day(context)

    settled = [event for _, event in settled_in(context)]
    given = {share.reason for event in settled for share in event.payers} - {None}
    assert set(Reason) - set(NEVER_GIVEN) == given
    assert set(Reason) == set(REASON_TEXTS)


async def test_every_region_and_refusal_occurs(
    context: Passing, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regions and three cities, three refusals at the counter, one recovery."""
    await tell_a_day(context)

    assert 12 == len(FAMILIES)
    regions = {account["region"] for account in ACCOUNTS.values()}
    areas = {BOOK.pooling_area(region) for region in regions}
    assert {"140000", "330100", "350000", "420100", "420600", "430000", "542500", "990000"} <= areas
    assert areas <= set(BOOK.regions())
    events = [event for _, event in log_of(context)]
    codes = [event.code for event in events if isinstance(event, SettlementRefused)]
    assert ["INSTITUTION_NOT_DESIGNATED", "PLAN_CHANGED", "DUPLICATE_CLAIM"] == codes
    assert [2500] == [event.amount_fen for event in events if isinstance(event, RecoveryDue)]
    assert "今天付的 25.00 须追回" in capsys.readouterr().out


async def test_the_sums_add_up(context: Passing, capsys: pytest.CaptureFixture[str]) -> None:
    """Every bill is paid to the fen, and what is told to be left is what the log leaves."""
    await tell_a_day(context)

    for stream, settled in settled_in(context):
        claim = settled.claim
        parts = (claim.fund_pay_fen, settled.own_fen, settled.aid_fen, settled.cash_fen)
        assert claim.total_fen == sum(parts)
        taken = [e for _, e in log_of(context) if isinstance(e, Debited) and e.settlement == stream]
        assert settled.own_fen + settled.aid_fen == -sum(map(moved_fen, taken))
    told = capsys.readouterr().out
    left = re.findall(r"余额 left: ((?:.|\n)*?)\n\n", told)
    assert 12 == len(left)
    assert sum(balances_of(context)) == yuan_in(left)


async def test_a_terminal_of_a_hundred_columns_is_enough(
    context: Passing, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line is wider, no person number is told, and nobody is left without both languages."""
    await tell_a_day(context)

    told = capsys.readouterr().out
    assert "DEMO" not in told
    for line in told.splitlines():
        wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in line)
        assert len(line) + wide <= WIDTH, line
    assert all(member.zh in told and member.en in told for member in MEMBERS.values())


async def test_a_day_is_told_once(context: Passing, capsys: pytest.CaptureFixture[str]) -> None:
    """A second telling says nothing and stores nothing."""
    await tell_a_day(context)
    capsys.readouterr()
    stood = len(log_of(context))

    await tell_a_day(context)

    assert "" == capsys.readouterr().out
    assert stood == len(log_of(context))


async def test_the_people_are_an_import_file() -> None:
    """Importing the demo's file again changes nothing: every line was carried out by the demo."""
    clock = StoppedClock()
    clock.at = NOW
    context = furnish(MemoryStore(), LEDGER_KEYS, BOOK, clock)
    await publish(context)
    await tell_a_day(context)

    replies = await carry_out(context, people(context))

    assert len(PEOPLE) == len(replies)
    assert all(isinstance(reply, Reply) and reply.is_replayed for reply in replies)
    await context.close()


async def test_others_data_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger where something happened that was no demo is told nothing."""
    other = await a_context()
    await tell_a_day(other)
    assert isinstance(other.store, MemoryStore)
    other.store.keys.clear()
    capsys.readouterr()

    await tell_a_day(other)

    assert "" == capsys.readouterr().out
    await other.close()


def cuts(asked: list[str]) -> list[int]:
    """After requests all over the day, and after each one around the quote."""
    quoted = next(at for at, key in enumerate(asked) if key.startswith("demo:before:"))
    return sorted({*range(1, len(asked), 11), *range(quoted - 1, quoted + 7), len(asked) - 1})


@pytest.mark.thorough
async def test_a_day_that_was_cut_off_is_told_to_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wherever it was cut, the next start tells it to its end, and no bill is paid twice."""
    whole = await a_context()
    await tell_a_day(whole)
    told, balances = without_ids(capsys.readouterr().out), balances_of(whole)
    for cut_at in cuts(whole.asked):
        before = await a_context(cut_at=cut_at)
        with pytest.raises(CutOffError):
            await tell_a_day(before)
        await before.close()
        assert isinstance(before.store, MemoryStore)
        context = await a_context(before.store, hours=1)
        capsys.readouterr()

        await tell_a_day(context)

        again = without_ids(capsys.readouterr().out)
        assert balances == balances_of(context), cut_at
        assert len(settled_in(whole)) == len(settled_in(context)), cut_at
        assert set(again.splitlines()) <= set(told.splitlines()), cut_at
        assert again.splitlines()[-2:] == told.splitlines()[-2:], cut_at
        await tell_a_day(context)
        assert "" == capsys.readouterr().out
        await context.close()
    await whole.close()
