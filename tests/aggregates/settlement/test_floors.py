"""No purse is below zero, even of an unsound account; and which accounts are unsound."""

from dataclasses import replace

import pytest

from aggregates.account.events import Credited, Debited, Held
from aggregates.account.fold import evolve
from aggregates.account.reserved import as_spent, assert_sound
from aggregates.account.state import Account
from aggregates.policy.choices import OwnBuckets, SponsorBuckets
from aggregates.settlement.purse import own_purse, sponsor_buckets
from aggregates.vocabulary import Bucket, StreamId, instant
from tests.cases.world import P0
from tests.projections.recorded_families import BEGAN_AT, TODAY, an_id, an_opening

HOLD = StreamId("hld_1")


def an_account(*, credited: int, debited: int = 0, held: int = 0, prior: int = 0) -> Account:
    """An account after these events, whether they make sense or not."""
    account: Account = evolve(None, an_opening())
    for bucket, fen in ((Bucket.CURRENT, credited), (Bucket.PRIOR, prior)):
        if fen:
            account = evolve(account, Credited(bucket=bucket, amount_fen=fen, reference=None))
    if held:
        aside = Held(
            hold=HOLD,
            binding=None,
            current_fen=held,
            prior_fen=0,
            aid_fen=0,
            on=TODAY,
            expires_at=None,
        )
        account = evolve(account, aside)
    if debited:
        paid = Debited(
            settlement=an_id("stl", 1), binding=None, current_fen=debited, prior_fen=0, on=TODAY
        )
        account = evolve(account, paid)
    return account


@pytest.mark.parametrize("order", OwnBuckets)
@pytest.mark.parametrize("prior", [0, 30, 300])
def test_an_own_purse_is_never_below_zero(order: OwnBuckets, prior: int) -> None:
    """Held money that was spent nevertheless leaves no purse below zero (D3)."""
    spent = as_spent(
        an_account(credited=100, held=100, debited=100, prior=prior), instant(BEGAN_AT)
    )
    assert -100 == spent.current_fen
    purse = own_purse(an_id("acc", 1), spent, replace(P0.money, own_buckets_order=order))

    assert 0 <= purse.available_fen <= max(0, prior - 100)
    assert all(fen >= 0 for _, fen in purse.buckets)


@pytest.mark.parametrize("which", SponsorBuckets)
def test_no_bucket_of_a_sponsor_is_below_zero(which: SponsorBuckets) -> None:
    """A sponsor's bucket that was spent twice gives nothing."""
    spent = as_spent(an_account(credited=100, held=100, debited=100, prior=30), instant(BEGAN_AT))

    assert all(fen >= 0 for _, fen in sponsor_buckets(spent, which))


def test_a_sound_account() -> None:
    """Buckets are not below zero, and hold at least what is held of them."""
    for account in (an_account(credited=100), an_account(credited=100, held=60, debited=40)):
        assert_sound(account, instant(BEGAN_AT))


@pytest.mark.parametrize(
    "account",
    [
        an_account(credited=100, debited=101),
        an_account(credited=100, held=60, debited=41),
        an_account(credited=100, held=60, debited=41, prior=50),
    ],
)
def test_an_unsound_account(account: Account) -> None:
    """A bucket below zero, or with less than is held of it, results from no decision."""
    with pytest.raises(AssertionError):
        assert_sound(account, instant(BEGAN_AT))
