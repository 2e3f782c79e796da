"""What would have lowered the cash part: true by the real decision, and no part of it too many."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from random import Random  # noqa: TID251 -- a fixed seed makes the bills of this test

import pytest

from aggregates.account.state import Account
from aggregates.policy.choices import OrderMissing, PlaceUse
from aggregates.policy.edition import Edition, PlaceRule
from aggregates.settlement.family import Sponsor
from aggregates.settlement.place_of_care import PlaceOfCare
from aggregates.settlement.remedies import (
    TOGETHER_MAX,
    DecidedBill,
    FamilyChange,
    Lever,
    changed_by,
    possible_changes,
    remedies_of,
)
from aggregates.vocabulary import (
    BindingStatus,
    FilingKind,
    InstitutionKind,
    Insurance,
    InsuranceStatus,
    StreamId,
    Use,
)
from tests.aggregates.settlement.families import (
    NOW,
    P0,
    PATIENT,
    SHIPPED,
    Dice,
    a_claim,
    a_family,
    an_edition,
)


def invited(sponsor: Sponsor, dice: Dice) -> Sponsor:
    """The sponsor before the invitation is confirmed; it is open, or it has expired."""
    binding = replace(
        sponsor.binding,
        status=BindingStatus.INVITED,
        confirmed_at=None,
        active_from=None,
        valid_until=None,
        expires_at=NOW.at + timedelta(days=dice.choice([1, 1, -1])),
    )
    account = sponsor.account._replace(beneficiaries=())
    return sponsor._replace(account=account, binding=binding)


def a_bill(dice: Dice) -> DecidedBill:
    """A bill of a made-up family, at home or elsewhere, with some invitations not confirmed."""
    return a_bill_under(dice.choice([*SHIPPED, *(an_edition(dice) for _ in range(9))]), dice)


def a_bill_under(edition: Edition, dice: Dice) -> DecidedBill:
    """A bill of a made-up family of an edition's region."""
    family = a_family(dice, edition)
    waiting = [s for s in family.sponsors.values() if dice.choice([True, False, False])]
    gone = {s.link.binding for s in waiting}
    account = family.account._replace(
        sponsors=tuple(link for link in family.account.sponsors if link.binding not in gone),
        order=tuple(b for b in family.account.order or () if b not in gone) or None,
        invitations=tuple((s.link.binding, s.link.sponsor) for s in waiting),
    )
    asked = tuple(invited(s, dice) for s in waiting)
    family = family._replace(
        account=account,
        sponsors={who: s for who, s in family.sponsors.items() if s.link.binding not in gone},
        invitations=tuple((s.link.binding, s.binding) for s in asked),
    )
    claim = a_claim(dice, dice.choice(["", "", "unused"]))
    region = dice.choice([edition.region, edition.region, f"{edition.region[:2]}9900", "110000"])
    return DecidedBill(claim, family, a_place(region, claim.med_type), NOW, asked)


def a_place(region: str, med_type: str) -> PlaceOfCare:
    return PlaceOfCare(
        institution="H1",
        region=region,
        kind=InstitutionKind.HOSPITAL,
        med_type=med_type,
        opened_regions=("990000", "420000", "140000"),
        is_filed=False,
        person_classes=frozenset(),
    )


def bills(count: int) -> Iterator[DecidedBill]:
    dice = Random(20_260_302)  # noqa: S311 -- no secret
    return (a_bill(dice) for _ in range(count))


def cash_after(bill: DecidedBill, changes: tuple[FamilyChange, ...]) -> int:
    """The cash part by the real decision after these changes; as before if one is refused."""
    changed = changed_by(bill, changes)
    return bill.split().cash_fen if changed is None else changed.split().cash_fen


def check(bill: DecidedBill) -> list[Lever]:
    """Hold all remedies of a bill against the real decision; the levers that were named."""
    before = bill.split().cash_fen
    found, complete = remedies_of(bill)
    assert complete
    for changes, split in found:
        assert cash_after(bill, changes) == split.cash_fen < before
        for size in range(1, len(changes)):
            for part in combinations(changes, size):
                assert cash_after(bill, part) >= before, "a part of it does it too"
    return [change.lever for changes, _ in found for change in changes]


@pytest.mark.deepened
def test_every_named_change_is_true_and_needed(request: pytest.FixtureRequest) -> None:
    """Over many families each remedy gives exactly its cash part, and no part of it gives less."""
    count = 1_000 if request.config.getoption("--slow") else 120

    assert set(Lever) == {lever for bill in bills(count) for lever in check(bill)}


def test_no_small_remedy_is_missed() -> None:
    """Every set of up to three changes that lowers the cash part has a named set's levers in it."""
    for bill in bills(25):
        slots = possible_changes(bill)
        before = bill.split().cash_fen
        found = [
            {at for at, slot in enumerate(slots) for c in changes if key(c) in map(key, slot)}
            for changes, _ in remedies_of(bill).found
        ]
        for size in range(1, TOGETHER_MAX):
            for chosen in combinations(range(len(slots)), size):
                tried = tuple(slots[at][0] for at in chosen)
                lower = cash_after(bill, tried) < before
                assert not lower or any(parts <= set(chosen) for parts in found)


def key(change: FamilyChange) -> FamilyChange:
    """A change without the value that its cap is raised to."""
    return change._replace(to_fen=None)


# ------------------------------------------------------------------ one by one


def a_small_family(count: int = 2) -> DecidedBill:
    """A bill of 100.00 yuan with sponsors of 500.00 each, none with a cap; the patient has none."""
    dice = Random(1)  # noqa: S311 -- no secret
    bill = next(b for b in iter(lambda: a_bill(dice), None) if len(b.family.sponsors) >= count)
    chosen = dict([*bill.family.sponsors.items()][:count])
    sponsors = {who: easy(sponsor) for who, sponsor in chosen.items()}
    account = bill.family.account._replace(
        region=P0.region,
        is_frozen=False,
        ending=None,
        standing=InsuranceStatus.NORMAL,
        current_fen=0,
        prior_fen=0,
        sponsors=tuple(s.link for s in sponsors.values()),
        order=None,
        invitations=(),
    )
    family = bill.family._replace(account=account, edition=P0, sponsors=sponsors, invitations=())
    claim = replace(bill.claim, total_fen=10_000, fund_pay_fen=0, lines=None, use_account=True)
    return DecidedBill(claim, family, a_place(P0.region, "11"), NOW)


def easy(sponsor: Sponsor) -> Sponsor:
    binding = replace(
        sponsor.binding,
        caps=replace(sponsor.binding.caps, per_settlement_fen=None, per_day_fen=None),
        uses=(Use.CARE,),
        valid_until=None,
    )
    account: Account = sponsor.account._replace(
        region=P0.region,
        is_frozen=False,
        ending=None,
        standing=InsuranceStatus.NORMAL,
        insurance=Insurance.EMPLOYEE,
        current_fen=50_000,
        prior_fen=0,
    )
    return Sponsor(sponsor.link, account, binding, P0)


def told(bill: DecidedBill) -> list[tuple[tuple[FamilyChange, ...], int]]:
    return [(changes, split.cash_fen) for changes, split in remedies_of(bill).found]


def test_nothing_is_named_where_nothing_was_paid_in_cash() -> None:
    """A bill that is paid needs no remedy."""
    assert [] == told(a_small_family())


def test_an_order_that_nobody_set() -> None:
    """Where the region wants an order, any order would have been enough: the first is named."""
    bill = a_small_family()
    order = replace(P0.order, order_missing=OrderMissing.SKIP)
    bill = bill._replace(family=bill.family._replace(edition=replace(P0, order=order)))
    first = bill.family.account.sponsors[0].binding

    assert [((FamilyChange(Lever.ORDER, first),), 0)] == told(bill)


def test_a_cap_is_raised_only_as_far_as_needed() -> None:
    """A cap of 40.00 leaves 60.00 in cash; 100.00 would have been enough."""
    bill = a_small_family(1)
    ((who, sponsor),) = bill.family.sponsors.items()
    caps = replace(sponsor.binding.caps, per_settlement_fen=4_000)
    capped = sponsor._replace(binding=replace(sponsor.binding, caps=caps))
    bill = bill._replace(family=bill.family._replace(sponsors={who: capped}))
    raised = FamilyChange(Lever.CAP, sponsor.link.binding, "per_settlement_fen", 10_000)

    assert 6_000 == bill.split().cash_fen
    assert [((raised,), 0)] == told(bill)


def test_two_caps_that_bind_together_are_named_together() -> None:
    """Raising one of two equal caps alone changes nothing."""
    bill = a_small_family(1)
    ((who, sponsor),) = bill.family.sponsors.items()
    caps = replace(sponsor.binding.caps, per_settlement_fen=0, per_day_fen=0)
    capped = sponsor._replace(binding=replace(sponsor.binding, caps=caps))
    bill = bill._replace(family=bill.family._replace(sponsors={who: capped}))

    ((changes, cash_fen),) = told(bill)
    assert ["per_settlement_fen", "per_day_fen"] == [change.cap for change in changes]
    assert 0 == cash_fen


def test_a_filing_and_a_place() -> None:
    """In another city without a filing, the filing or the own region alone would have done it."""
    bill = a_small_family(1)
    rules = (
        PlaceRule(place="same_region", institution_class="*", use=PlaceUse.ON, filing=False),
        PlaceRule(place="*", institution_class="*", use=PlaceUse.ON, filing=True),
    )
    edition = replace(P0, place=replace(P0.place, place_scope=rules))
    ((who, sponsor),) = bill.family.sponsors.items()
    family = bill.family._replace(
        edition=edition, sponsors={who: sponsor._replace(edition=edition)}
    )
    bill = bill._replace(family=family, place=a_place("110000", "11"))

    assert [
        ((FamilyChange(Lever.FILING, filing=FilingKind.TEMPORARY, region="110000"),), 0),
        ((FamilyChange(Lever.PLACE, region=P0.region),), 0),
    ] == told(bill)


def test_a_confirmation_in_time() -> None:
    """An open invitation that is confirmed before the bill would have paid."""
    bill = a_small_family(1)
    ((_, sponsor),) = bill.family.sponsors.items()
    waiting = invited(sponsor, Random(3))  # noqa: S311 -- no secret
    account = bill.family.account._replace(sponsors=())
    family = bill.family._replace(
        account=account,
        sponsors={},
        invitations=((sponsor.link.binding, waiting.binding),),
    )
    bill = bill._replace(family=family, invited=(waiting,))

    assert PATIENT == bill.family.account_id
    assert [((FamilyChange(Lever.CONFIRMATION, sponsor.link.binding),), 0)] == told(bill)


def test_a_large_family_gets_a_part_of_the_answer() -> None:
    """The search stops at its limit and says so."""
    bill = a_small_family(1)
    ((_, sponsor),) = bill.family.sponsors.items()
    caps = replace(
        sponsor.binding.caps,
        per_settlement_fen=0,
        per_day_fen=0,
        per_month_fen=0,
        per_year_fen=0,
    )
    many = {
        StreamId(f"acc_{n}"): sponsor._replace(
            link=sponsor.link._replace(binding=StreamId(f"bnd_{n}"), sponsor=StreamId(f"acc_{n}")),
            binding=replace(sponsor.binding, caps=caps),
        )
        for n in range(8)
    }
    account = bill.family.account._replace(sponsors=tuple(s.link for s in many.values()))
    bill = bill._replace(family=bill.family._replace(account=account, sponsors=many))

    assert not remedies_of(bill).complete
