"""Who is bound to whom, who pays first, and what everybody may give now (policy.md §3, §8.3)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from tests.money_model.bills import Bill
from tests.money_model.cascade import NONE, Cap, Offer, Reasons
from tests.money_model.money import Money
from tests.money_model.rules import P0, Rules, year_of
from tests.money_model.world import DONE, Binding, Hold, Words, World, words

PERIODS = ("settlement", "day", "month", "year")

# ------------------------------------------------------------ bindings and order


def bind(
    world: World,
    sponsor: str,
    beneficiary: str,
    caps: dict[str, int | None] | None = None,
    uses: tuple[str, ...] = ("care", "premium"),
) -> int:
    """A sponsor's grant that was accepted already."""
    number = len(world.bindings)
    world.bindings[number] = Binding(sponsor, beneficiary, caps or {}, uses, world.now)
    return number


def release(world: World, number: int) -> Words:
    """Take a grant back."""
    binding = world.bindings[number]
    if not binding.live:
        return words("NOT_ACTIVE")
    binding.live = False
    return DONE


def grants(world: World, patient: str) -> list[int]:
    """The live bindings of a patient, oldest first."""
    return [
        number
        for number, binding in sorted(world.bindings.items())
        if binding.live and binding.beneficiary == patient
    ]


def set_order(world: World, patient: str, sponsors: Sequence[str]) -> Words:
    """The patient says who pays first."""
    if patient in sponsors:
        return words("OWN_FIRST_MANDATORY")
    by_sponsor = {world.bindings[number].sponsor: number for number in grants(world, patient)}
    if len(set(sponsors)) < len(sponsors) or not set(sponsors) <= set(by_sponsor):
        return words("SPONSOR_INVALID")
    world.orders[patient] = [by_sponsor[who] for who in sponsors]
    return DONE


class Ranking(NamedTuple):
    """How some of a patient's bindings are put in order."""

    world: World
    patient: str
    then: str
    but: Hold | None
    """A hold whose money counts as free."""

    def by(self, strategy: str, numbers: list[int]) -> list[int]:
        """The bindings in an order that nobody had to set.

        Ties fall to the name where the region says so (a person's key is his name here, in Latin
        letters), then to the older binding.
        """
        if strategy == "SAME_REGION_FIRST":
            home = [number for number in numbers if self._is_home(number)]
            away = [number for number in numbers if number not in home]
            return self.by(self.then, home) + self.by(self.then, away)
        if strategy == "BALANCE_DESC":
            return sorted(numbers, key=lambda number: (-self._balance(number), *self._tie(number)))
        late = -1 if strategy == "BIND_TIME_DESC" else 1
        bound = self.world.bindings
        return sorted(numbers, key=lambda n: (late * bound[n].bound_at.timestamp(), *self._tie(n)))

    def _tie(self, number: int) -> tuple[str, int]:
        by_name = self.world.rules_of(self.patient).get("tie_break") == "NAME_PINYIN"
        return (self.world.bindings[number].sponsor if by_name else "", number)

    def _is_home(self, number: int) -> bool:
        people = self.world.people
        return people[self.world.bindings[number].sponsor].region == people[self.patient].region

    def _balance(self, number: int) -> int:
        return purse_of(self.world, self.world.bindings[number].sponsor, self.but).fen


def in_order(world: World, patient: str, but: Hold | None = None) -> tuple[list[int], bool]:
    """The bindings in paying order, and whether an order that the region asks for is missing."""
    rules = world.rules_of(patient)
    live = grants(world, patient)
    ranking = Ranking(world, patient, rules["order_then"] or "BIND_TIME_ASC", but)
    if not rules["order_strategy"].endswith("_SET"):
        return ranking.by(rules["order_strategy"], live), False
    named = [number for number in world.orders.get(patient, []) if number in live]
    rest = [number for number in live if number not in named]
    if patient in world.orders:
        return named + ranking.by("BIND_TIME_ASC", rest), False
    missing = rules["order_missing"] != "FALLBACK" and len(live) > 1
    return ranking.by(rules["order_fallback"] or "BIND_TIME_ASC", rest), missing


# ------------------------------------------------------------ caps


def counted(world: World, but: Hold | None) -> Iterator[tuple[date, int, str, str, int]]:
    """What counts in caps: the day, binding, sponsor, patient and fen of every sponsor's share.

    A held share counts on the day of its hold, also once it was captured; what went back counts
    no more.
    """
    for settled in world.settled.values():
        if settled.live:
            for share in settled.stays.shares[1:]:
                number = share.binding
                assert number is not None
                on = settled.counted_on
                yield on, number, share.who, settled.bill.patient, share.money.fen
    for hold in world.standing_holds():
        for share in hold.split.shares[1:]:
            assert share.binding is not None
            if hold is not but:
                on = hold.placed_at.date()
                yield on, share.binding, share.who, hold.bill.patient, share.money.fen


def _in(period: str, on: date, today: date, rules: Rules) -> bool:
    if period == "day":
        return on == today
    if period == "month":
        return (on.year, on.month) == (today.year, today.month)
    if period == "ever":
        return True
    return period == "year" and year_of(on, rules) == year_of(today, rules)


def spent(
    world: World, period: str, whose: tuple[str, object], but: Hold | None, rules: Rules = P0
) -> int:
    """What was given in a period of some rules under a binding, by a sponsor, or to a patient."""
    scope, wanted = whose
    at = {"PER_BINDING": 1, "PER_SPONSOR": 2, "PER_BENEFICIARY": 3}[scope]
    return sum(
        one[4]
        for one in counted(world, but)
        if one[at] == wanted and _in(period, one[0], world.today, rules)
    )


def region_caps(
    world: World, rules: Rules, whose: tuple[str, object], but: Hold | None
) -> list[Cap]:
    """What is left of a region's caps."""
    if rules["cap_set_by"] == "SPONSOR":
        return []
    caps = {period: rules[f"cap_per_{period}_fen"] for period in PERIODS}
    return _left(world, caps, whose, but, rules)


def _left(
    world: World,
    caps: dict[str, int | None],
    whose: tuple[str, object],
    but: Hold | None,
    rules: Rules,
) -> list[Cap]:
    skips = rules["cap_on_exceed"] == "SKIP"
    return [
        Cap(max(0, cap - spent(world, period, whose, but, rules)), skips)
        for period, cap in caps.items()
        if cap is not None
    ]


def sponsor_caps(world: World, number: int, but: Hold | None) -> tuple[Cap, ...]:
    """Every cap on what a sponsor may give under a binding; the lowest wins (S85)."""
    binding = world.bindings[number]
    rules = world.rules_of(binding.sponsor)
    caps: list[Cap] = []
    if rules["cap_scope"] == "PER_SPONSOR":
        caps += region_caps(world, rules, ("PER_SPONSOR", binding.sponsor), but)
    elif rules["cap_scope"] == "PER_BINDING":
        caps += region_caps(world, rules, ("PER_BINDING", number), but)
    if rules["cap_set_by"] != "REGION":
        skips = rules["cap_on_exceed"] == "SKIP"
        scope = rules["sponsor_cap_scope"]
        whose = (scope, binding.sponsor if scope == "PER_SPONSOR" else number)
        own = {period: binding.caps.get(period) for period in PERIODS}
        caps += _left(world, own, whose, but, rules)
        quota = binding.caps.get("total")
        if quota is not None:
            gone = spent(world, "ever", ("PER_BINDING", number), but)
            caps.append(Cap(max(0, quota - gone), skips))
    return tuple(caps)


# ------------------------------------------------------------ offers


def is_pooled(rules: Rules) -> bool:
    """Whether sponsors give from their pools, never from their accounts."""
    return bool(rules["money_model"] == "FAMILY_POOL")


def purse_of(world: World, sponsor: str, but: Hold | None = None) -> Money:
    """The money a sponsor gives from: the account's, or the pool's as if all were of this year."""
    if is_pooled(world.rules_of(sponsor)):
        return Money(world.pool_free(sponsor, but))
    return world.free(sponsor, but)


def own_offer(world: World, bill: Bill, but: Hold | None) -> Offer:
    """What the patient's own account brings: no reserve and no cap (K36)."""
    person = world.people[bill.patient]
    way = world.rules_of(bill.patient)["own_buckets_order"]
    free = Money() if person.moneyless else world.free(bill.patient, but)
    barred = {"NO_ACCOUNT"} if person.moneyless else set()
    if not person.moneyless and (person.frozen or person.end):
        barred |= {"CLOSED"} if person.end else {"FROZEN"}
    if not bill.use_account:
        barred.add("ACCOUNT_UNUSED")
    most = 0 if barred else free.within(way)
    empty = not person.moneyless and not free.within(way)
    short = frozenset({"SKIPPED_ZERO"}) if empty else NONE
    return Offer(bill.patient, None, free, way, most, barred=frozenset(barred), short=short)


def sponsor_offer(world: World, number: int, barred_all: Reasons, but: Hold | None) -> Offer:
    """What a sponsor brings: what his region shares, above his reserve, under his caps."""
    binding = world.bindings[number]
    person, rules = world.people[binding.sponsor], world.rules_of(binding.sponsor)
    free, pooled = purse_of(world, binding.sponsor, but), is_pooled(rules)
    way = "ALL" if pooled else rules["sponsor_buckets"]
    reserve = 0 if pooled else rules["reserve_fen"]
    barred = set(barred_all)
    if person.frozen:
        barred.add("FROZEN")
    usable = person.standing == "SUSPENDED" and rules["sponsor_suspended_usable"]
    if person.standing not in rules["sponsor_status_ok"] and not usable:
        barred.add("SPONSOR_STATUS")
    if "care" not in binding.uses:
        barred.add("USE_NOT_GRANTED")
    within = free.within(way)
    above = max(0, free.fen - reserve)
    short = NONE if within else frozenset({"SKIPPED_ZERO"})
    short |= NONE if above or not reserve else {"RESERVE"}
    caps = sponsor_caps(world, number, but)
    most = min(within, above)
    return Offer(binding.sponsor, number, free, way, most, caps, frozenset(barred), short, pooled)
