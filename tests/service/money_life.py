"""The part of the money machine that has no bills: people, their money, standing and ties."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from aggregates.account.cap_usage import Spending, counted_on
from aggregates.account.reserved import held_fen
from aggregates.account.state import Account
from aggregates.pool.pool import as_payer, held_in_pool_fen
from aggregates.vocabulary import StreamId, instant
from tests.cases.reading import HOME, Step, yuan
from tests.cases.world import P0, Outcome
from tests.money_model import family, laws, pooling, premiums, settling
from tests.money_model.cascade import Split
from tests.money_model.chance import hard_rules
from tests.money_model.money import Money
from tests.money_model.rules import Rules
from tests.money_model.world import BEIJING, Words, World
from tests.service.money_counter import MoneyCounter, Told
from tests.service.money_sums import Sums, sums_of

PEOPLE = {"A": "employee", "B": "employee", "C": "employee", "R": "resident"}
BEGAN_AT = datetime(2026, 12, 31, 8, 0, tzinfo=BEIJING)
EDITIONS_SINCE = (date(2020, 1, 1), date(2027, 1, 2))
GOOD = {"NORMAL", "RETIRED"}
TIES = ["BA", "CA", "AB", "CB", "AC", "BR", "CR", "AR"]
BOTH = ("care", "premium")

somebody = st.sampled_from(sorted(PEOPLE))
sometimes = st.sampled_from([False, False, False, True])
seldom = st.sampled_from([False] * 11 + [True])
rarely = st.sampled_from([False] * 6 + [True])
caps = st.fixed_dictionaries(
    {}, optional=dict.fromkeys((*family.PERIODS, "total"), st.integers(0, 150))
)
uses = st.sampled_from([BOTH, BOTH, BOTH, ("care",), ("premium",)])
seconds = st.sampled_from([1, 60, 60, 899, 900, 901, 3_600, 3_600, 43_200, 86_400, 2_678_400])
some = st.integers(0, 1_000)
"""Picks one of what there is, whatever their number."""


def assert_refused(said: str | None, refused: Words) -> None:
    """What the model refuses is refused with one of its words, and nothing else is."""
    expected: set[str | None] = {*refused} or {None}
    assert said in expected, f"{said} is none of {expected}"


def assert_split(said: Outcome | Told, split: Split) -> None:
    """Each payer gives what the model says; who gives nothing has a reason that is true."""
    if isinstance(said, dict):
        told = [payer["reason"] or payer["amount"] for payer in said["payers"]]
        cash = said["cash"]
    else:
        told, cash = [said.own, *said.aid], said.cash
    for share, one in zip(split.shares, told, strict=True):
        expected = {yuan(share.money.fen)} if share.money.fen else share.reasons
        assert one in expected, f"{share.who} gives {one}, and not {set(expected)}"
    assert yuan(split.cash) == cash


def on_one_day(rules: Rules, later: Rules) -> tuple[Rules, Rules]:
    """Two editions whose years begin on the same day; New Year where one of them has pools.

    Where the day moves, the sums of yearly caps are not added up again; `test_insurance_years` has
    the accounts then.
    """
    has_pools = "FAMILY_POOL" in (rules["money_model"], later["money_model"])
    day = {"insurance_year_from": "01-01" if has_pools else rules["insurance_year_from"]}
    return {**rules, **day}, {**later, **day}


class MoneyLife(RuleBasedStateMachine):
    """A family, its money, and the model beside them."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.counter = MoneyCounter()
        self.world = World({}, BEGAN_AT)
        self.streams: dict[int, StreamId] = {}
        self.quotes: dict[str, settling.Quote] = {}
        self.ids: dict[str, str] = {}
        self.keys = 0
        self.sent: list[Callable[[], None]] = []

    def remember(self, again: Callable[[], object], answer: object) -> None:
        """Keep what was sent, to be sent again."""

        def repeat() -> None:
            assert answer == again()

        self.sent.append(repeat)

    @initialize(
        rules=hard_rules, later=hard_rules, bound=st.sets(st.sampled_from(TIES), min_size=2)
    )
    def come(self, rules: Rules, later: Rules, bound: set[str]) -> None:
        """Rules that change one day, a hospital, and some people, some of them bound."""
        rules, later = on_one_day(rules, later)
        editions = tuple(zip(EDITIONS_SINCE, (rules, later), strict=True))
        self.world.editions[HOME] = list(editions)
        self.counter.begin(editions, BEGAN_AT)
        for who, insurance in PEOPLE.items():
            resident = insurance == "resident"
            self.counter.come(who, resident=resident)
            self.world.come(who, resident=resident)
            if not resident:
                self.credit(who, "current", 60)
                self.credit(who, "prior", 110)
        for tie in sorted(bound):
            self.bind(tie[0], tie[1], {}, BOTH)
        for who in sorted({tie[0] for tie in bound}):
            self.open_pool(who)
            self.move_in(who, 70)

    # ------------------------------------------------------------ money, standing, time

    @rule(who=somebody, bucket=st.sampled_from(["current", "prior"]), fen=st.integers(1, 90))
    def credit(self, who: str, bucket: str, fen: int) -> None:
        """Money comes in."""
        outcome = self.counter.credit(who, bucket, fen)
        assert_refused(outcome.refused, self.world.credit(who, Money(**{bucket: fen})))

    @rule(who=somebody, status=st.sampled_from(["NORMAL", "NORMAL", "FROZEN", "SUSPENDED"]))
    def stand(self, who: str, status: str) -> None:
        """Freeze, unfreeze, suspend, resume."""
        outcome = self.counter.do(Step(do="status", who=who, status=status))
        assert_refused(outcome.refused, self.world.stand(who, status))

    @rule(
        who=somebody,
        how=st.sampled_from(["DECEASED", "TRANSFERRED", "CLOSED"]),
        heir=st.none() | somebody,
        days=st.integers(0, 3),
        really=rarely,
    )
    def end(self, who: str, how: str, heir: str | None, days: int, *, really: bool) -> None:
        """An account ends, now and then."""
        heir = heir if how == "TRANSFERRED" and heir != who else None
        if not really or (heir and self.world.people[heir].end):
            return
        on = self.world.today - timedelta(days=days)
        step = Step(do="status", who=who, status=how, effective_on=on, successor=heir or "")
        assert_refused(self.counter.do(step).refused, self.world.end(who, how, on, heir))
        for key in self._settled_at_once():
            due = sum(fen for (one, _), fen in self.world.recover.items() if one == key)
            assert due == self.counter.to_recover(key), f"to be recovered of {key}"

    def _settled_at_once(self) -> list[str]:
        """All settlements but captured holds, which the service dates by the day of the hold."""
        settled = self.world.settled.items()
        return [key for key, one in settled if one.counted_on == one.settled_at.date()]

    @rule(seconds=seconds)
    def wait(self, seconds: int) -> None:
        """Time goes on, at times past the first day of a year."""
        self.world.wait(timedelta(seconds=seconds))
        self.counter.driver.clock.at = self.world.now

    @rule(really=sometimes)
    def midnight(self, *, really: bool) -> None:
        """The next day begins, the first time a year."""
        if really:
            tomorrow = (self.world.now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
            self.wait(int((tomorrow - self.world.now).total_seconds()))

    # ------------------------------------------------------------ pools

    @rule(who=somebody)
    def open_pool(self, who: str) -> None:
        """A family pool, perhaps the second one, perhaps where there are none."""
        outcome = self.counter.do(Step(do="open_pool", who=who))
        assert_refused(outcome.refused, pooling.open_pool(self.world, who))

    @rule(who=somebody, fen=st.integers(1, 120))
    def move_in(self, who: str, fen: int) -> None:
        """Money goes into the pool."""
        if self.world.people[who].pool is not None:
            outcome = self.counter.do(Step(do="to_pool", who=who, amount=yuan(fen)))
            assert_refused(outcome.refused, pooling.move_in(self.world, who, fen))

    @rule(who=somebody)
    def take_back(self, who: str) -> None:
        """What is free in the pool comes back, if nobody may spend it."""
        if self.world.people[who].pool is not None:
            outcome = self.counter.do(Step(do="from_pool", who=who))
            assert_refused(outcome.refused, pooling.take_back(self.world, who))

    # ------------------------------------------------------------ bindings

    @rule(sponsor=somebody, beneficiary=somebody, terms=caps, uses=uses)
    def bind(
        self,
        sponsor: str,
        beneficiary: str,
        terms: dict[str, int | None],
        uses: tuple[str, ...],
    ) -> None:
        """Somebody grants his money to somebody he may grant it to."""
        people = self.world.people
        bound = {self.world.bindings[n].sponsor for n in family.grants(self.world, beneficiary)}
        good = {people[sponsor].status, people[beneficiary].status} <= GOOD
        if sponsor in bound | {beneficiary} or people[sponsor].resident or not good:
            return
        self.wait(1)
        number = family.bind(self.world, sponsor, beneficiary, terms, uses)
        self.streams[number] = self.counter.bind(sponsor, beneficiary, terms, uses)

    @precondition(lambda self: self.world.bindings)
    @rule(which=some, really=sometimes)
    def release(self, which: int, *, really: bool) -> None:
        """A grant is taken back."""
        live = [number for number, one in self.world.bindings.items() if one.live]
        if not really or not live:
            return
        number = live[which % len(live)]
        binding = self.world.bindings[number]
        name = f"{binding.sponsor}>{binding.beneficiary}"
        outcome = self.counter.do(Step(do="release", by=binding.sponsor, binding=name))
        assert_refused(outcome.refused, family.release(self.world, number))

    @rule(who=somebody, sponsors=st.lists(somebody, max_size=3))
    def order(self, who: str, sponsors: list[str]) -> None:
        """The patient says who pays first."""
        step = Step(do="set_order", by="agency", who=who, sponsors=tuple(sponsors))
        refused = family.set_order(self.world, who, sponsors)
        assert_refused(self.counter.do(step).refused, refused)

    # ------------------------------------------------------------ what always holds

    @invariant()
    def every_fen_is_where_the_model_has_it(self) -> None:
        """Buckets, what is held and what is kept aside, of everybody."""
        laws.check(self.world)
        accounts = self.counter.accounts(self.world.people)
        pools = self.counter.pools(self.world.people)
        now = instant(self.world.now)
        for who, account in accounts.items():
            assert self.world.people[who].money == (account.current_fen, account.prior_fen), who
            assert self.world.held(who).fen == held_fen(account, now), f"held of {who}"
            aside = sum(ticket.fen for ticket in self.world.tickets if ticket.who == who)
            assert aside == sum(kept.amount_fen for kept in account.suspended), f"aside of {who}"
            pool = pools.get(who)
            if pool is not None:
                held = held_in_pool_fen(pool, now)
                mine = self.world.people[who].pool, self.world.pool_held(who)
                assert mine == (pool.balance_fen, held), f"pool of {who}"
            if self.world.people[who].end is None:
                self._check_caps(who, as_payer(account, pool, P0, now))

    def _check_caps(self, who: str, account: Account) -> None:
        self._check_counter(("PER_SPONSOR", who), account.lent)
        self._check_counter(("PER_BENEFICIARY", who), account.received)
        used = {link.binding: link.used for link in account.beneficiaries}
        for number, binding in self.world.bindings.items():
            if binding.live and binding.sponsor == who:
                self._check_counter(("PER_BINDING", number), used[self.streams[number]])

    def _check_counter(self, whose: tuple[str, object], counted: Spending) -> None:
        rules = self.world.rules_of("A")
        _, *sums = counted_on(counted, self.world.today, rules["insurance_year_from"])
        expected = [family.spent(self.world, p, whose, None, rules) for p in family.PERIODS[1:]]
        assert expected == sums, f"counted {whose}"

    @override
    def teardown(self) -> None:
        """The service's own log adds up too, to the same sums."""
        world = self.world
        try:
            expected = Sums(
                came_in=world.credited + world.corrected,
                accounts=sum(person.money.fen for person in world.people.values()),
                pools=laws.in_pools(world),
                aside=laws.kept_aside(world),
                payable=laws.payable(world),
                premiums=premiums.owed(world),
                paid_out=world.paid_out,
            )
            assert expected == sums_of(self.counter.context.store)
        finally:
            self.counter.close()
