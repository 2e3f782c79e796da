"""Made-up families and bills under any edition, for the properties of the cascade."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

from aggregates.account import Account, BeneficiaryLink, SponsorLink
from aggregates.binding import Binding
from aggregates.cascade import Split
from aggregates.events import Caps
from aggregates.family import Family, Sponsor
from aggregates.place import Place
from aggregates.policy import Edition, PlaceRule, PlaceUse
from aggregates.policy_words import (
    AccountUnused,
    CapOnExceed,
    CapScope,
    CapSetBy,
    OrderMissing,
    OrderStrategy,
    OwnAllocation,
    OwnBuckets,
    PayableBy,
    SinglePayerShortfall,
    SponsorBuckets,
)
from aggregates.settlement import split_claim
from aggregates.settlement_events import Claim, FeeLine
from aggregates.spending import NOTHING, Spending
from aggregates.vocabulary import (
    BindingStatus,
    Category,
    Ending,
    Instant,
    InstitutionKind,
    Insurance,
    Part,
    Relation,
    Standing,
    StreamId,
    Use,
    instant,
)
from service.policy_book import load

E = TypeVar("E", bound=Enum)

BOOK = load(Path(__file__).parents[2] / "service" / "regions")
SHIPPED = tuple(edition for region in BOOK.regions() for edition in BOOK.editions(region))
P0 = BOOK.editions("990000")[0]

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
PATIENT = StreamId("acc_patient")
WITHOUT_A_PERSON = (
    OrderStrategy.BIND_TIME_ASC,
    OrderStrategy.BIND_TIME_DESC,
    OrderStrategy.BALANCE_DESC,
)


class Told(NamedTuple):
    """A bill at a family, and how it was split."""

    claim: Claim
    family: Family
    place: Place
    now: Instant
    split: Split


def words(kind: type[E]) -> st.SearchStrategy[E]:
    return st.sampled_from(list(kind))


fen = st.integers(0, 60_000) | st.sampled_from([0, 1, 100, 10_000])
maybe_fen = st.none() | fen
counts = st.builds(
    Spending,
    st.sampled_from([NOW.on, NOW.on - timedelta(days=1), date(2026, 2, 28), date(2025, 12, 31)]),
    st.integers(0, 20_000),
    st.integers(20_000, 40_000),
    st.integers(40_000, 60_000),
) | st.just(NOTHING)
moments = st.integers(0, 400).map(lambda d: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=d))


@st.composite
def editions(draw: st.DrawFn) -> Edition:
    """P0 with its keys of order, money, place and items drawn anew; always publishable."""
    order = replace(
        P0.order,
        order_strategy=draw(words(OrderStrategy)),
        order_missing=draw(words(OrderMissing)),
        order_fallback=draw(st.sampled_from([*WITHOUT_A_PERSON, OrderStrategy.SAME_REGION_FIRST])),
        order_then=draw(st.sampled_from(WITHOUT_A_PERSON)),
        max_payers_per_settlement=draw(st.none() | st.integers(1, 3)),
        single_payer_shortfall=draw(words(SinglePayerShortfall)),
    )
    money = replace(
        P0.money,
        own_buckets_order=draw(words(OwnBuckets)),
        sponsor_buckets=draw(words(SponsorBuckets)),
        own_allocation=draw(words(OwnAllocation)),
        account_unused_means=draw(words(AccountUnused)),
        reserve_fen=draw(st.sampled_from([0, 0, 10_000])),
        cap_per_settlement_fen=draw(maybe_fen),
        cap_per_day_fen=draw(maybe_fen),
        cap_per_month_fen=draw(maybe_fen),
        cap_per_year_fen=draw(maybe_fen),
        cap_scope=draw(words(CapScope)),
        cap_set_by=draw(words(CapSetBy)),
        cap_on_exceed=draw(words(CapOnExceed)),
    )
    rule = PlaceRule(
        place="same_province",
        institution_class="*",
        use=draw(st.sampled_from([PlaceUse.ON, PlaceUse.ON, PlaceUse.OFF])),
        filing=draw(st.booleans()),
    )
    items = replace(
        P0.items, item_category_rule={c: draw(words(PayableBy)) for c in Category if draw(odds())}
    )
    binding = replace(P0.binding, sponsor_suspended_usable=draw(st.booleans()))
    scope = (rule, P0.place.place_scope[-1]) if draw(odds()) else P0.place.place_scope
    place = replace(P0.place, place_scope=scope)
    return replace(P0, order=order, money=money, items=items, binding=binding, place=place)


def odds() -> st.SearchStrategy[bool]:
    """Three times in four."""
    return st.sampled_from([True, True, True, False])


@st.composite
def accounts(draw: st.DrawFn, region: str) -> Account:
    """An account in any standing; most are in good order."""
    sound = draw(odds())
    has_funds = draw(odds())
    return Account(
        region=region,
        insurance=Insurance.EMPLOYEE if has_funds else Insurance.RESIDENT,
        standing=Standing.NORMAL if sound else draw(words(Standing)),
        flags=(),
        sealed="",
        is_frozen=not sound and draw(st.booleans()),
        ending=None if sound else draw(st.none() | words(Ending)),
        current_fen=draw(fen) if has_funds else 0,
        prior_fen=draw(fen) if has_funds else 0,
        lent=draw(counts),
        received=draw(counts),
    )


@st.composite
def bindings(draw: st.DrawFn, sponsor: StreamId) -> Binding:
    """A confirmed binding that may have run out, with any caps."""
    return Binding(
        sponsor=sponsor,
        beneficiary=PATIENT,
        relation=Relation.SIBLING,
        uses=draw(st.sampled_from([(Use.CARE,), (Use.CARE, Use.PREMIUM), (Use.PREMIUM,)])),
        caps=draw(st.builds(Caps, *[], per_settlement_fen=maybe_fen, per_day_fen=maybe_fen)),
        valid_from=date(2025, 1, 1),
        valid_until=draw(st.sampled_from([None, None, NOW.on, NOW.on - timedelta(days=1)])),
        expires_at=datetime(2025, 1, 4, tzinfo=UTC),
        status=BindingStatus.ACTIVE,
        confirmed_at=draw(moments),
        active_from=date(2025, 1, 1),
    )


@st.composite
def sponsors(draw: st.DrawFn, number: int, home: Edition, *, is_home: bool) -> Sponsor:
    """A sponsor of the patient's region, or of one with rules of its own."""
    edition = home if is_home or draw(odds()) else replace(draw(editions()), region="990100")
    account_id, binding_id = StreamId(f"acc_{number}"), StreamId(f"bnd_{9 - number}")
    binding = draw(bindings(account_id))
    account = draw(accounts(edition.region))
    mine = BeneficiaryLink(binding_id, PATIENT, Relation.SIBLING, draw(counts))
    assert binding.confirmed_at is not None
    link = SponsorLink(binding_id, account_id, Relation.SIBLING, binding.confirmed_at)
    return Sponsor(link, replace(account, beneficiaries=(mine,)), binding, edition)


@st.composite
def families(draw: st.DrawFn, edition: Edition, *, is_home: bool) -> Family:
    """A patient with up to four sponsors, with or without an order."""
    numbers = range(draw(st.integers(0, 4)))
    found = [draw(sponsors(number, edition, is_home=is_home)) for number in numbers]
    named = draw(st.permutations([s.link.binding for s in found]))
    account = replace(
        draw(accounts(edition.region)),
        sponsors=tuple(s.link for s in found),
        order=tuple(named[: draw(st.integers(0, 4))]) if draw(odds()) else None,
    )
    return Family(PATIENT, account, edition, {s.link.sponsor: s for s in found}, ())


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """A bill with lines or without."""
    lines = draw(
        st.none()
        | st.lists(
            st.builds(
                FeeLine,
                line=st.just("1"),
                category=words(Category),
                part=words(Part),
                amount_fen=st.integers(0, 30_000),
            ),
            max_size=4,
        ).map(tuple)
    )
    personal_fen = draw(fen) if lines is None else sum(line.amount_fen for line in lines)
    fund_fen = draw(fen)
    return Claim(
        beneficiary=PATIENT,
        institution=StreamId("ins_1"),
        visit="v",
        charge_batch="1",
        med_type=draw(st.sampled_from(["11", "11", "21", "99"])),
        treated_at=NOW.at,
        total_fen=personal_fen + fund_fen,
        fund_pay_fen=fund_fen,
        use_account=draw(odds()),
        lines=lines,
    )


@st.composite
def tellings(draw: st.DrawFn, shipped: Edition | None) -> Told:
    """A bill at a family under a shipped edition, or under random ones."""
    edition = shipped or draw(editions())
    family = draw(families(edition, is_home=shipped is not None and draw(st.booleans())))
    claim = draw(claims())
    region = draw(st.sampled_from([edition.region, edition.region, "110000"]))
    place = Place("H1", region, InstitutionKind.HOSPITAL, claim.med_type, is_filed=False)
    return Told(claim, family, place, NOW, split_claim(claim, family, place, NOW))
