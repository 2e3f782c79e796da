"""Made-up families and bills under any edition, for the properties of the cascade."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from hypothesis import strategies as st

from aggregates.account.cap_usage import Spending
from aggregates.account.state import Account, BeneficiaryLink, SponsorLink
from aggregates.binding.binding import Binding
from aggregates.binding.events import Caps
from aggregates.policy.choices import (
    AccountUnused,
    CapOnExceed,
    CapScope,
    CapSetBy,
    OrderMissing,
    OrderStrategy,
    OwnAllocation,
    OwnBuckets,
    PayableBy,
    PlaceUse,
    SinglePayerShortfall,
    SponsorBuckets,
)
from aggregates.policy.edition import Edition, PlaceRule
from aggregates.settlement.cascade import Split
from aggregates.settlement.events import Claim, FeeLine
from aggregates.settlement.family import Family, Sponsor
from aggregates.settlement.place_of_care import PlaceOfCare
from aggregates.settlement.settlement import split_claim
from aggregates.vocabulary import (
    BindingStatus,
    Category,
    Ending,
    Instant,
    InstitutionKind,
    Insurance,
    InsuranceStatus,
    Part,
    Relation,
    StreamId,
    Use,
    instant,
)
from service.regions.policy_book import load

T = TypeVar("T")

BOOK = load(Path(__file__).parents[3] / "service" / "regions")
SHIPPED = tuple(edition for editions in BOOK.by_region.values() for edition in editions)
P0 = BOOK.editions("990000")[0]

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
PATIENT = StreamId("acc_patient")
SOUND = ("",) * 25
"""No trouble at all, so often against once of each trouble."""
WITHOUT_A_PERSON = (
    OrderStrategy.BIND_TIME_ASC,
    OrderStrategy.BIND_TIME_DESC,
    OrderStrategy.BALANCE_DESC,
)


Ruled = Edition | tuple[Edition, ...] | None
"""The edition of a made-up family: this one, one of these, or a random one."""


class Told(NamedTuple):
    """A bill at a family, and how it was split."""

    claim: Claim
    family: Family
    place: PlaceOfCare
    now: Instant
    split: Split

    def __repr__(self) -> str:  # type: ignore[explicit-override]
        """What matters when a law fails, without every key of every edition."""
        terms = self.family.edition
        people = {who: (s.account, s.binding.caps) for who, s in self.family.sponsors.items()}
        return f"{self.claim}\n{terms.order}\n{terms.money}\n{people}\n{self.split}"


class Dice(Protocol):
    """A uniform random source, from a seed that hypothesis draws and can repeat."""

    def choice(self, seq: Sequence[T], /) -> T:
        """One of these."""
        ...

    def randint(self, a: int, b: int, /) -> int:
        """One of these whole numbers, both ends included."""
        ...


def a_cap(dice: Dice) -> int | None:
    return dice.choice([None, dice.randint(0, 20_000), dice.randint(20_000, 200_000)])


def a_count(dice: Dice) -> Spending:
    day = dice.choice([NOW.on, NOW.on, date(2026, 3, 1), date(2026, 2, 28), date(2025, 12, 31)])
    spent = [dice.randint(0, 9_000) * dice.choice([0, 1, 2]) for _ in range(3)]
    return Spending(day, *sorted(spent))


def an_edition(dice: Dice) -> Edition:
    """P0 with random keys of order, money, place and items; always publishable."""
    order = replace(
        P0.order,
        order_strategy=dice.choice(list(OrderStrategy)),
        order_missing=dice.choice(list(OrderMissing)),
        order_fallback=dice.choice([*WITHOUT_A_PERSON, OrderStrategy.SAME_REGION_FIRST]),
        order_then=dice.choice(WITHOUT_A_PERSON),
        max_payers_per_settlement=dice.choice([None, None, None, 1, 2, 3]),
        single_payer_shortfall=dice.choice(list(SinglePayerShortfall)),
    )
    money = replace(
        P0.money,
        own_buckets_order=dice.choice(list(OwnBuckets)),
        sponsor_buckets=dice.choice(list(SponsorBuckets)),
        own_allocation=dice.choice(list(OwnAllocation)),
        account_unused_means=dice.choice(list(AccountUnused)),
        reserve_fen=dice.choice([0, 0, 10_000]),
        cap_per_settlement_fen=a_cap(dice),
        cap_per_day_fen=a_cap(dice),
        cap_per_month_fen=a_cap(dice),
        cap_per_year_fen=a_cap(dice),
        cap_scope=dice.choice(list(CapScope)),
        cap_set_by=dice.choice(list(CapSetBy)),
        cap_on_exceed=dice.choice(list(CapOnExceed)),
    )
    use = dice.choice([PlaceUse.ON, PlaceUse.ON, PlaceUse.ON, PlaceUse.OFF])
    rule = PlaceRule(place="same_province", institution_class="*", use=use, filing=False)
    categories = {category: dice.choice(list(PayableBy)) for category in Category}
    return replace(
        P0,
        order=order,
        money=money,
        items=replace(P0.items, item_category_rule=categories),
        binding=replace(P0.binding, sponsor_suspended_usable=dice.choice([True, False])),
        place=replace(P0.place, place_scope=(rule, P0.place.place_scope[-1])),
    )


def an_account(dice: Dice, region: str, trouble: str, most_fen: int) -> Account:
    """An account with some money in both buckets."""
    has_funds = trouble != "resident"
    return Account(
        region=region,
        insurance=Insurance.EMPLOYEE if has_funds else Insurance.RESIDENT,
        standing=InsuranceStatus.SUSPENDED if trouble == "suspended" else InsuranceStatus.NORMAL,
        flags=(),
        year=NOW.on.year,
        is_frozen=trouble == "frozen",
        ending=Ending.DECEASED if trouble == "ended" else None,
        current_fen=dice.choice([0, dice.randint(0, most_fen)]) if has_funds else 0,
        prior_fen=dice.choice([0, dice.randint(0, most_fen)]) if has_funds else 0,
        lent=a_count(dice),
        received=a_count(dice),
    )


def a_sponsor(dice: Dice, number: int, home: Edition) -> Sponsor:
    """A sponsor of the patient's region, or of another one with its own edition."""
    trouble = dice.choice([*SOUND, "suspended", "frozen", "ended", "premium", "expired"])
    edition = dice.choice([home, home, replace(an_edition(dice), region=f"{home.region[:2]}0100")])
    account_id, binding_id = StreamId(f"acc_{number}"), StreamId(f"bnd_{9 - number}")
    bound_at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=dice.randint(0, 3))
    binding = Binding(
        sponsor=account_id,
        beneficiary=PATIENT,
        relation=Relation.SIBLING,
        uses=(Use.PREMIUM,) if trouble == "premium" else (Use.CARE, Use.PREMIUM),
        caps=Caps(per_settlement_fen=a_cap(dice), per_day_fen=a_cap(dice)),
        valid_from=date(2025, 1, 1),
        valid_until=NOW.on - timedelta(days=1) if trouble == "expired" else NOW.on,
        renews_months=None,
        parent=None,
        expires_at=datetime(2025, 1, 4, tzinfo=UTC),
        status=BindingStatus.ACTIVE,
        confirmed_at=bound_at,
        active_from=date(2025, 1, 1),
    )
    account = an_account(dice, edition.region, trouble, most_fen=60_000)
    mine = BeneficiaryLink(binding_id, PATIENT, Relation.SIBLING, None, a_count(dice))
    link = SponsorLink(binding_id, account_id, Relation.SIBLING, None, bound_at)
    return Sponsor(link, account._replace(beneficiaries=(mine,)), binding, edition)


def a_family(dice: Dice, edition: Edition) -> Family:
    """A patient with up to four sponsors, with or without an order over some of them."""
    found = [a_sponsor(dice, number, edition) for number in range(dice.randint(0, 4))]
    trouble = dice.choice([*SOUND, "resident", "resident", "suspended", "frozen"])
    backwards = tuple(s.link.binding for s in reversed(found))
    account = an_account(dice, edition.region, trouble, most_fen=20_000)._replace(
        sponsors=tuple(s.link for s in found),
        order=dice.choice([None, backwards, backwards[1:], backwards[::-1]]),
    )
    return Family(PATIENT, account, edition, {s.link.sponsor: s for s in found}, ())


def a_line(dice: Dice) -> FeeLine:
    return FeeLine(
        line="1",
        category=dice.choice(list(Category)),
        part=dice.choice(list(Part)),
        amount_fen=dice.randint(0, 60_000),
    )


def a_claim(dice: Dice, trouble: str) -> Claim:
    """A bill with lines or without."""
    lines = None
    if dice.choice([True, False]):
        lines = tuple(a_line(dice) for _ in range(dice.randint(1, 4)))
    personal_fen = dice.choice([0, *(dice.randint(0, 100_000) for _ in range(9))])
    personal_fen = sum(line.amount_fen for line in lines) if lines else personal_fen
    fund_fen = dice.randint(0, 50_000)
    return Claim(
        beneficiary=PATIENT,
        institution=StreamId("ins_1"),
        visit="v",
        charge_batch="1",
        med_type="99" if trouble == "med type" else "11",
        treated_at=NOW.at,
        total_fen=personal_fen + fund_fen,
        fund_pay_fen=fund_fen,
        use_account=trouble != "unused",
        lines=lines,
        credential=None,
    )


@st.composite
def tellings(draw: st.DrawFn, shipped: Ruled) -> Told:
    """A bill at a family under an edition, under any of several, or under a random one."""
    dice = draw(st.randoms(use_true_random=True))
    if isinstance(shipped, tuple):
        shipped = dice.choice(shipped)
    edition = shipped or an_edition(dice)
    family = a_family(dice, edition)
    trouble = dice.choice([*SOUND, "med type", "unused", "unused", "abroad"])
    claim = a_claim(dice, trouble)
    region = "110000" if trouble == "abroad" else edition.region
    place = PlaceOfCare(
        institution="H1",
        region=region,
        kind=InstitutionKind.HOSPITAL,
        med_type=claim.med_type,
        opened_regions=(),
        is_filed=False,
        person_classes=frozenset(),
        reading=claim.reading,
    )
    return Told(claim, family, place, NOW, split_claim(claim, family, place, NOW).split)
