"""Everybody's money and standing, the bindings, the clock, and what was settled, held and paid.

A single thread, in memory, whole fen, business time of Beijing. Every action answers the set of
words it may be refused with; an empty set means that it was done.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from tests.money_model.bills import Bill
from tests.money_model.cascade import Split
from tests.money_model.money import NOTHING, Money
from tests.money_model.rules import Rules, year_of

BEIJING = ZoneInfo("Asia/Shanghai")
ENDS = ("DECEASED", "TRANSFERRED", "CLOSED")
DONE: frozenset[str] = frozenset()
Words = frozenset[str]


def words(*some: str) -> Words:
    """The refusals that are all true at once."""
    return frozenset(some)


@dataclass
class Person:
    """An insured person; a resident holds no money. `year` is the insurance year of the money.

    `pool` is the family pool in fen, once there is one; `moved_on` is when money went into it.
    """

    region: str
    resident: bool
    money: Money = NOTHING
    standing: str = "NORMAL"
    frozen: bool = False
    end: str | None = None
    successor: str | None = None
    opened: bool = False
    year: int = 0

    @property
    def moneyless(self) -> bool:
        """Whether there is no account of money: a resident's, unless it was opened."""
        return self.resident and not self.opened

    pool: int | None = None
    moved_on: list[date] = field(default_factory=list)

    @property
    def status(self) -> str:
        """One word for how somebody stands."""
        return self.end or ("FROZEN" if self.frozen else self.standing)


@dataclass
class Binding:
    """One sponsor's grant to one beneficiary, with caps of his own in fen."""

    sponsor: str
    beneficiary: str
    caps: dict[str, int | None]
    uses: tuple[str, ...]
    bound_at: datetime
    live: bool = True


@dataclass
class Settled:
    """A settlement: what was decided, on which rules, and what still stays of it."""

    key: str
    bill: Bill
    rules: Rules
    split: Split
    own_free: int
    settled_at: datetime
    counted_on: date
    stays: Split
    back: dict[str, int] = field(default_factory=dict)
    status: str = "settled"

    @property
    def live(self) -> bool:
        """Whether its bill is still settled by it."""
        return self.status in {"settled", "part_refunded"}


@dataclass
class Hold:
    """A whole cascade set aside until it is captured, given back, or over."""

    key: str
    bill: Bill
    rules: Rules
    split: Split
    own_free: int
    placed_at: datetime
    expires_at: datetime
    status: Literal["held", "captured", "released", "void"] = "held"

    def on(self) -> set[str]:
        """Whom it is on: who pays, and who is paid for."""
        paying = {share.who for share in self.split.shares if share.money.fen}
        return paying | {self.bill.patient} if paying else paying


@dataclass
class Premium:
    """One premium of a payee and year, paid by one sponsor.

    `code` is the tax side's no, `refusals` are its noes to each request to give it back.
    """

    sponsor: str
    payee: str
    year: int
    rules: Rules
    money: Money
    at: datetime
    pooled: bool = False
    status: Literal["HELD", "CONFIRMED", "REJECTED", "REVERSE_REQUESTED", "REVERSED"] = "HELD"
    code: str = ""
    refusals: list[str] = field(default_factory=list)


@dataclass
class Correction:
    """What is wrong with somebody's money, who of the agency says so, and on which day."""

    who: str
    by: Money
    proposer: str
    on: date
    status: Literal["PROPOSED", "APPROVED", "REJECTED"] = "PROPOSED"


@dataclass
class Ticket:
    """Money that could not go back: kept aside on an ended or frozen account, in fen."""

    who: str
    fen: int


@dataclass
class World:
    """Everything there is."""

    editions: dict[str, list[tuple[date, Rules]]]
    now: datetime
    people: dict[str, Person] = field(default_factory=dict)
    bindings: dict[int, Binding] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)
    cleared: dict[str, date] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    premiums: dict[str, Premium] = field(default_factory=dict)
    corrections: dict[str, Correction] = field(default_factory=dict)
    tickets: list[Ticket] = field(default_factory=list)
    recover: dict[tuple[str, str], int] = field(default_factory=dict)
    tombstones: set[str] = field(default_factory=set)
    answers: dict[str, tuple[object, Words]] = field(default_factory=dict)
    credited: int = 0
    corrected: int = 0
    paid_out: int = 0

    # ------------------------------------------------------------ rules and time

    @property
    def today(self) -> date:
        """The business day."""
        return self.now.date()

    def rules_of(self, who: str) -> Rules:
        """The edition in force today where somebody is insured."""
        region = self.people[who].region
        return dict(self.editions[region])[self.edition_since(region)]

    def edition_since(self, region: str) -> date:
        """The first day of a region's edition that is in force today."""
        return max(since for since, _ in self.editions[region] if since <= self.today)

    def wait(self, for_: timedelta) -> None:
        """Time goes on; when somebody's year ends, his current money becomes prior money.

        Held money does so too. Each new day may be the first of a year.
        """
        until = self.now + for_
        while self.now.date() < until.date():
            self.now = datetime.combine(self.today + timedelta(days=1), time(), BEIJING)
            for who, person in self.people.items():
                year = year_of(self.today, self.rules_of(who))
                if year > person.year:
                    person.year = year
                    self._turn_the_year_of(who)
        self.now = until

    def _turn_the_year_of(self, who: str) -> None:
        self.people[who].money = self.people[who].money.carried()
        for hold in self.standing_holds():
            hold.split = hold.split._replace(
                shares=tuple(
                    share
                    if share.pooled or share.who != who
                    else share._replace(money=share.money.carried())
                    for share in hold.split.shares
                )
            )
        for premium in self.premiums.values():
            if (premium.sponsor, premium.status, premium.pooled) == (who, "HELD", False):
                premium.money = premium.money.carried()

    def once(self, key: str, asked: object, do: Callable[[], Words]) -> Words:
        """The same key and question have the same answer; another question is refused."""
        if key not in self.answers:
            self.answers[key] = (asked, do())
        before, answer = self.answers[key]
        return answer if before == asked else words("IDEMPOTENCY_KEY_REUSED")

    # ------------------------------------------------------------ money and standing

    def come(self, who: str, *, resident: bool = False, region: str = "990000") -> None:
        """Somebody is insured."""
        self.people[who] = Person(region, resident)
        self.people[who].year = year_of(self.today, self.rules_of(who))

    def credit(self, who: str, money: Money) -> Words:
        """Bring money in."""
        person = self.people[who]
        may = not person.resident or self.rules_of(who)["resident_balance"]
        ended = self.no_account(who) - {"NO_FUNDS"}
        if refused := ended | (frozenset() if may else {"NO_FUNDS"}):
            return refused
        person.opened = True
        self.people[who].money = self.people[who].money.plus(money)
        self.credited += money.fen
        return DONE

    def no_account(self, who: str) -> Words:
        """Why nothing comes in: a resident has no account of money, and an end is an end."""
        person = self.people[who]
        no_funds = {"NO_FUNDS"} if person.moneyless else set()
        ended = {"ACCOUNT_ENDED"} if person.end else set()
        return frozenset(no_funds | ended)

    def stand(self, who: str, status: str) -> Words:
        """Freeze, unfreeze, suspend or resume (§3.3)."""
        person = self.people[who]
        if person.end:
            return words("ACCOUNT_ENDED")
        if status == person.status:
            return words("STATUS_UNCHANGED")
        if status == "FROZEN":
            person.frozen = True
        elif person.frozen and status == person.standing:
            person.frozen = False
        else:
            person.standing = status
        return DONE

    def end(
        self, who: str, how: str, on: date | None = None, successor: str | None = None
    ) -> Words:
        """Death, a move away, or a closing (§3.3).

        Bindings end, what came after is marked, and a hold that the account is in is void whole.
        """
        person = self.people[who]
        if person.end:
            return words("ACCOUNT_ENDED")
        person.end, person.successor = how, successor
        for binding in self.bindings.values():
            if who in {binding.sponsor, binding.beneficiary}:
                binding.live = False
        for hold in list(self.standing_holds()):
            if who in hold.on():
                hold.status = "void"
        for settled in self.settled.values():
            if settled.live and settled.settled_at.date() > (on or self.today):
                given = sum(s.money.fen for s in settled.stays.shares[1:] if s.who == who)
                self.recover[settled.key, who] = given
        self.drain(who)
        return DONE

    def drain(self, who: str) -> None:
        """All that is free in a pool is its owner's again, as money of the years before."""
        person, free = self.people[who], self.pool_free(who)
        if person.pool is not None:
            person.pool -= free
        person.money = person.money.plus(Money(0, free))

    # ------------------------------------------------------------ held money

    def standing_holds(self) -> Iterator[Hold]:
        """The holds that set money aside now."""
        for hold in self.holds.values():
            if hold.status == "held" and self.now < hold.expires_at:
                yield hold

    def held(self, who: str, but: Hold | None = None) -> Money:
        """What is set aside of somebody's money."""
        return self._aside(who, but, pooled=False)

    def _aside(self, who: str, but: Hold | None, *, pooled: bool) -> Money:
        aside = NOTHING
        for hold in self.standing_holds():
            for share in hold.split.shares:
                if hold is not but and (share.who, share.pooled) == (who, pooled):
                    aside = aside.plus(share.money)
        for premium in self.premiums.values():
            is_his = (premium.sponsor, premium.pooled) == (who, pooled)
            if premium.status == "HELD" and is_his:
                aside = aside.plus(premium.money)
        return aside

    def pool_held(self, who: str, but: Hold | None = None) -> int:
        """What is set aside of somebody's pool, in fen."""
        return self._aside(who, but, pooled=True).fen

    def pool_free(self, who: str, but: Hold | None = None) -> int:
        """What is not set aside of somebody's pool, in fen; a pool that is not there is empty."""
        return (self.people[who].pool or 0) - self.pool_held(who, but)

    def free(self, who: str, but: Hold | None = None) -> Money:
        """What is not set aside of somebody's money."""
        return self.people[who].money.less(self.held(who, but))

    def live_at(self, bill: Bill) -> Settled | None:
        """The live settlement of a bill's institution, visit and batch."""
        places = (one for one in self.settled.values() if one.live and one.bill.place == bill.place)
        return next(places, None)

    def held_at(self, bill: Bill) -> Hold | None:
        """The standing hold of a bill's institution, visit and batch."""
        places = (one for one in self.standing_holds() if one.bill.place == bill.place)
        return next(places, None)
