"""Two appenders on one ledger, failures told at random, against a plain sequential model."""

import asyncio
import json
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregates.account.state import Account
from aggregates.refusals import UnknownError
from service.ledger.appender import Appender
from service.ledger.codec import kind_of
from service.ledger.command import Command, KeyReusedError, Reply
from service.ledger.head_cache import Limits
from service.ledger.memory_store import MemoryStore
from service.ledger.store import NO_HEAD, OutcomeUnknownError, StoreUnavailableError, StreamHead
from tests.service.ledger.account_commands import (
    a_store_with,
    an_appender,
    balances,
    check_nobody_waits,
    credited,
    moved,
    purse,
)

PURSES, FILLED_FEN, STRANGER = 3, 20, 99
numbers = st.sampled_from([*range(1, PURSES + 1)] * 4 + [STRANGER])
keys = st.integers(0, 2) | st.integers(0, 40)


@dataclass(frozen=True)
class Asked:
    """A command as a caller thinks of it: a transfer, or a credit where source is target."""

    key: int
    source: int
    target: int
    fen: int

    def command(self) -> Command:
        """The command for the ledger."""
        body = f"{self.source} {self.target} {self.fen}"
        if self.source == self.target:
            return credited(f"k{self.key}", self.target, self.fen, body)
        return moved(f"k{self.key}", self.source, self.target, self.fen, body)


@dataclass(frozen=True)
class Round:
    """Commands sent together, what another process slips in before, and what goes wrong."""

    ours: list[Asked]
    theirs: list[Asked]
    goes_wrong: str


asked = st.builds(Asked, key=keys, source=numbers, target=numbers, fen=st.integers(1, 25))
rounds = st.builds(
    Round,
    ours=st.lists(asked, min_size=1, max_size=12),
    theirs=st.lists(asked, max_size=3),
    goes_wrong=st.sampled_from(["nothing", "nothing", "cut before", "cut after", "away"]),
)


class Run:
    """A ledger, two appenders on it, and every answer that was given."""

    def __init__(self, store: MemoryStore, ours: Appender, theirs: Appender) -> None:
        """Begin with a ledger."""
        self.store, self.ours, self.theirs = store, ours, theirs
        self.told: list[tuple[Asked, Reply]] = []
        self.bodies: dict[int, Asked] = {}

    async def ask(self, appender: Appender, one: Asked) -> None:
        """Ask, and keep the answer; a key answers for one body alone."""
        try:
            reply = await appender.submit(one.command())
        except KeyReusedError:
            return
        except UnknownError:
            assert STRANGER in (one.source, one.target)
            return
        self.told.append((one, reply))

    async def play(self, told: Round) -> None:
        """Send a round's commands while the other process slips in and something goes wrong."""

        async def slip_in() -> None:
            await asyncio.gather(*(self.ask(self.theirs, one) for one in told.theirs))
            if told.goes_wrong == "cut before":
                raise OutcomeUnknownError(told.goes_wrong)
            if told.goes_wrong == "cut after":
                self.store.fail_next = OutcomeUnknownError(told.goes_wrong)
            if told.goes_wrong == "away":
                self.store.fail_next = StoreUnavailableError(told.goes_wrong)

        self.store.before_append = slip_in
        await asyncio.gather(*(self.ask(self.ours, one) for one in told.ours))


def check_answers(run: Run) -> None:
    """Every answer is what a plain model gives, one command after another in the log's order."""
    money = dict.fromkeys(range(1, PURSES + 1), FILLED_FEN)
    first = {one.key: (one, reply) for one, reply in reversed(run.told)}
    for one, reply in run.told:
        known, answered = first[one.key]
        assert known == one, "a key is used by one body"
        assert answered[:3] == reply[:3], "a key has one answer"
    by_position = sorted(first.values(), key=lambda pair: (pair[1].position, pair[1].refusal or ""))
    for one, reply in by_position:
        is_credit = one.source == one.target
        is_poor = not is_credit and money[one.source] < one.fen
        assert ("NO_FUNDS" if is_poor else None) == reply.refusal
        if is_poor:
            continue
        money[one.source] -= 0 if is_credit else one.fen
        money[one.target] += one.fen
        both = [money[one.source], money[one.target]]
        assert (money[one.target] if is_credit else both) == json.loads(reply.answer)
    assert list(money.values()) == balances(run.store)


def check_log(store: MemoryStore) -> None:
    """Positions and versions have no gap, heads are the fold, nothing is negative, keys are one."""
    folded: dict[str, StreamHead] = {}
    for position, recorded in enumerate(store.log, 1):
        before = folded.get(recorded.stream, NO_HEAD)
        state = kind_of(recorded.stream).evolve(before.state, recorded.event)
        assert (position, before.version + 1) == (recorded.position, recorded.version)
        assert isinstance(state, Account)
        assert state.balance_fen >= 0
        folded[recorded.stream] = StreamHead(recorded.version, state)
    assert store.heads == folded


async def play(told: list[Round], limits: Limits) -> None:
    store = await a_store_with(*[FILLED_FEN] * PURSES)
    async with an_appender(store, limits) as ours, an_appender(store) as theirs:
        run = Run(store, ours, theirs)
        for one in told:
            await run.play(one)
        store.before_append = None
        check_answers(run)
        check_log(store)
        for appender in (ours, theirs):
            check_nobody_waits(appender)
    assert purse(1) in store.heads


limits = st.builds(
    Limits,
    batch_max=st.integers(1, 9),
    chunk_max=st.integers(1, 5),
    waiting_max=st.just(4096),
    deadline_s=st.just(10.0),
    heads_max=st.integers(1, 4),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rounds, min_size=1, max_size=6), limits)
def test_two_writers_are_one_sequence(told: list[Round], limits: Limits) -> None:
    """However commands meet, race and get lost, the log is one plain sequence of them."""
    asyncio.run(play(told, limits))
