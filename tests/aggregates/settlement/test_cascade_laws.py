"""What holds for every bill, family and edition (policy.md §8.0)."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.account.cap_usage import Spending, counted_on
from aggregates.account.events import Debited
from aggregates.account.fold import evolve
from aggregates.account.state import Account
from aggregates.binding.events import Caps
from aggregates.policy.choices import (
    AccountUnused,
    CapOnExceed,
    CapScope,
    CapSetBy,
    OwnBuckets,
    SinglePayerShortfall,
    SponsorBuckets,
)
from aggregates.policy.edition import Edition
from aggregates.settlement.bill import bill_of
from aggregates.settlement.events import PayerShare
from aggregates.settlement.settlement import split_claim
from aggregates.vocabulary import Reason, StreamId
from tests.aggregates.settlement.families import (
    NOW,
    PATIENT,
    SHIPPED,
    Ruled,
    Told,
    tellings,
)

pytestmark = pytest.mark.thorough

EDITIONS = [
    pytest.param(SHIPPED, id="shipped"),
    pytest.param(None, id="random"),
    *(pytest.param(edition, id=edition.id, marks=pytest.mark.slow) for edition in SHIPPED),
]
UNNEEDED = {None, Reason.NOT_NEEDED}

Law = Callable[[Ruled, st.DataObject], None]


def every_edition(law: Law) -> Law:
    """Try a law under all shipped editions, under random ones, and at length under each."""
    tried = settings(max_examples=250, deadline=None)(given(data=st.data())(law))
    told: Law = pytest.mark.parametrize("edition", EDITIONS)(tried)
    return told


def gave(share: PayerShare) -> int:
    return share.current_fen + share.prior_fen


def own_money(account: Account, edition: Edition) -> int:
    """What the patient's account could give, by policy.md alone."""
    if account.is_frozen or account.ending or not account.has_funds:
        return 0
    match edition.money.own_buckets_order:
        case OwnBuckets.CURRENT_ONLY:
            return account.current_fen
        case OwnBuckets.PRIOR_ONLY:
            return account.prior_fen
        case OwnBuckets.CURRENT_THEN_PRIOR | OwnBuckets.PRIOR_THEN_CURRENT:
            return account.balance_fen


def left_under(caps: tuple[int | None, ...], spent: Spending, edition: Edition) -> list[int]:
    """What the caps of settlement, day, month and year leave."""
    _, *gone = counted_on(spent, NOW.on, edition.money.insurance_year_from)
    return [cap - used for cap, used in zip(caps, (0, *gone), strict=True) if cap is not None]


def region_caps(edition: Edition) -> tuple[int | None, ...]:
    money = edition.money
    if money.cap_set_by is CapSetBy.SPONSOR:
        return (None,) * 4
    return (
        money.cap_per_settlement_fen,
        money.cap_per_day_fen,
        money.cap_per_month_fen,
        money.cap_per_year_fen,
    )


def own_caps(caps: Caps, edition: Edition) -> tuple[int | None, ...]:
    if edition.money.cap_set_by is CapSetBy.REGION:
        return (None,) * 4
    return (caps.per_settlement_fen, caps.per_day_fen, caps.per_month_fen, caps.per_year_fen)


@every_edition
def test_every_fen_has_one_payer(edition: Ruled, data: st.DataObject) -> None:
    """The total is the fund's part, own money, aid and cash, each a whole number of fen (I1)."""
    claim, _, _, _, split = data.draw(tellings(edition))
    own, *sponsors = split.payers

    assert claim.total_fen == claim.fund_pay_fen + split.own_fen + split.aid_fen + split.cash_fen
    assert (gave(own), sum(map(gave, sponsors))) == (split.own_fen, split.aid_fen)
    parts = [split.cash_fen, *(part for s in split.payers for part in (s.current_fen, s.prior_fen))]
    assert [] == [part for part in parts if type(part) is not int or part < 0]


@every_edition
def test_no_sponsor_pays_while_own_money_may(edition: Ruled, data: st.DataObject) -> None:
    """If there is aid, own money is spent, unless the patient does not use the account (I2)."""
    claim, family, _, _, split = data.draw(tellings(edition))
    if family.edition.items.bucket_rules:
        return  # then it holds line by line: a bucket may not pay what aid pays

    if split.aid_fen and claim.use_account:
        assert own_money(family.account, family.edition) == split.own_fen
    if split.aid_fen and not claim.use_account:
        assert AccountUnused.AID_ONLY is family.edition.money.account_unused_means
        assert 0 == split.own_fen


@every_edition
def test_the_next_sponsor_pays_only_after_the_one_before(
    edition: Ruled, data: st.DataObject
) -> None:
    """All sponsors before one who pays are exhausted, capped, or skipped with a reason (I3)."""
    _, family, _, _, split = data.draw(tellings(edition))
    if family.edition.items.bucket_rules:
        return  # then it holds line by line
    sponsors = split.payers[1:]
    last = max((at for at, share in enumerate(sponsors) if gave(share)), default=0)

    for share in sponsors[:last]:
        if gave(share):
            assert gave(share) in {share.available_fen, share.limit_fen}
        else:
            assert share.reason not in {*UNNEEDED, Reason.PAYER_LIMIT}


@every_edition
def test_no_account_falls_below_nothing_or_its_reserve(edition: Ruled, data: st.DataObject) -> None:
    """After the debits no bucket is below zero, and no reserve was used for aid (I4)."""
    _, family, _, _, split = data.draw(tellings(edition))
    own, *sponsors = split.payers

    after = pay(family.account, own)
    assert min(after.current_fen, after.prior_fen) >= 0
    for share in sponsors:
        assert share.account is not None
        sponsor = family.sponsors[share.account]
        after = pay(sponsor.account, share)
        assert min(after.current_fen, after.prior_fen) >= 0
        reserve_fen = min(sponsor.edition.money.reserve_fen, sponsor.account.balance_fen)
        assert after.balance_fen >= reserve_fen
        if sponsor.edition.money.sponsor_buckets is SponsorBuckets.PRIOR_ONLY:
            assert 0 == share.current_fen


def pay(account: Account, share: PayerShare) -> Account:
    """The account after its share was debited."""
    debit = Debited(
        settlement=StreamId("stl_1"),
        binding=share.binding,
        current_fen=share.current_fen,
        prior_fen=share.prior_fen,
        on=NOW.on,
    )
    return evolve(account, debit)


@every_edition
def test_aid_pays_only_what_it_may(edition: Ruled, data: st.DataObject) -> None:
    """Aid and own money together never pass what they may pay, and aid alone its part (I5)."""
    claim, family, _, _, split = data.draw(tellings(edition))
    bill = bill_of(claim, family.edition.items)

    assert split.aid_fen <= bill.shared_fen
    assert split.own_fen + split.aid_fen <= bill.shared_fen + bill.own_only_fen
    assert split.aid_fen <= bill.shared_fen - max(0, split.own_fen - bill.own_only_fen)


@every_edition
def test_only_the_patients_own_sponsors_pay(edition: Ruled, data: st.DataObject) -> None:
    """Own is first, then each sponsor of the patient once, and nobody else (I6, R115)."""
    _, family, _, _, split = data.draw(tellings(edition))
    own, *sponsors = split.payers

    assert own.binding is None
    assert own.account in {PATIENT, None}
    assert sorted(family.sponsors) == sorted(str(share.account) for share in sponsors)
    assert {s.link.binding for s in family.sponsors.values()} == {s.binding for s in sponsors}


@every_edition
def test_own_money_knows_no_sponsors(edition: Ruled, data: st.DataObject) -> None:
    """The patient's own share is the same with sponsors and without (I5)."""
    claim, family, place, now, split = data.draw(tellings(edition))
    alone = family._replace(account=family.account._replace(sponsors=()), sponsors={})

    assert split.payers[0] == split_claim(claim, alone, place, now).split.payers[0]


@every_edition
def test_cash_is_what_nobody_may_pay(edition: Ruled, data: st.DataObject) -> None:
    """What could be paid is left as cash only when every purse is spent, capped or closed."""
    claim, family, _, _, split = data.draw(tellings(edition))
    bill = bill_of(claim, family.edition.items)
    own, *sponsors = split.payers
    if family.edition.items.bucket_rules:
        return  # then it holds line by line

    if split.own_fen + split.aid_fen == bill.shared_fen + bill.own_only_fen:
        return
    is_open = claim.use_account and own.reason is not Reason.FILING_REQUIRED
    assert not is_open or gave(own) == own_money(family.account, family.edition)
    if split.cash_fen <= claim.total_fen - claim.fund_pay_fen - bill.shared_fen:
        return
    received = left_under(region_caps(family.edition), family.account.received, family.edition)
    is_shared_cap = family.edition.money.cap_scope is CapScope.PER_BENEFICIARY
    for share in sponsors:
        spent = gave(share) in {share.available_fen, share.limit_fen}
        capped = is_shared_cap and split.aid_fen in received
        assert spent or capped or share.reason not in UNNEEDED


@every_edition
def test_who_gives_nothing_has_a_reason(edition: Ruled, data: st.DataObject) -> None:
    """A payer has a reason exactly if nothing was taken from it."""
    _, _, _, _, split = data.draw(tellings(edition))

    assert [gave(s) == 0 for s in split.payers] == [s.reason is not None for s in split.payers]


@every_edition
def test_deciding_twice_changes_nothing(edition: Ruled, data: st.DataObject) -> None:
    """The same bill, family and editions give the same split."""
    claim, family, place, now, split = data.draw(tellings(edition))

    assert split == split_claim(claim, family, place, now).split


@every_edition
def test_no_cap_is_passed(edition: Ruled, data: st.DataObject) -> None:
    """No sponsor gives more than any cap that counts still leaves, nor all of them together."""
    _, family, _, _, split = data.draw(tellings(edition))

    for share in split.payers[1:]:
        assert share.account is not None
        link, account, binding, theirs, _ = family.sponsors[share.account]
        used = next(b.used for b in account.beneficiaries if b.binding == link.binding)
        together = theirs.money.sponsor_cap_scope is CapScope.PER_SPONSOR
        lent = account.lent if together else used
        left = left_under(own_caps(binding.caps, theirs), lent, theirs)
        scope = theirs.money.cap_scope
        if scope is not CapScope.PER_BENEFICIARY:
            spent = used if scope is CapScope.PER_BINDING else account.lent
            left += left_under(region_caps(theirs), spent, theirs)
        assert gave(share) == 0 or gave(share) <= min(left, default=gave(share))
    if family.edition.money.cap_scope is CapScope.PER_BENEFICIARY:
        left = left_under(region_caps(family.edition), family.account.received, family.edition)
        assert split.aid_fen == 0 or split.aid_fen <= min(left, default=split.aid_fen)


@every_edition
def test_more_own_money_never_means_more_aid(edition: Ruled, data: st.DataObject) -> None:
    """More own money never gives more aid, where no single payer must cover and no cap applies."""
    claim, family, place, now, split = data.draw(tellings(edition))
    clamps = all(
        s.edition.money.cap_on_exceed is CapOnExceed.CLAMP for s in family.sponsors.values()
    )
    partial = family.edition.order.single_payer_shortfall is SinglePayerShortfall.USE_PARTIAL
    if not (clamps and partial and family.account.has_funds):
        return
    more_fen = data.draw(st.integers(1, 50_000))
    richer = family.account._replace(current_fen=family.account.current_fen + more_fen)
    again = split_claim(claim, family._replace(account=richer), place, now).split

    assert again.aid_fen <= split.aid_fen


def test_the_made_up_families_are_not_all_alike() -> None:
    """The strategy reaches aid by several sponsors, and cash, under random editions."""
    seen: set[tuple[int, bool]] = set()

    @settings(max_examples=2500, deadline=None, database=None, derandomize=True)
    @given(tellings(None))
    def look(told: Told) -> None:
        payers = sum(gave(share) > 0 for share in told.split.payers[1:])
        seen.add((payers, told.split.cash_fen > 0))

    look()
    assert {(0, True), (1, True), (1, False), (2, True), (2, False), (3, True)} <= seen
