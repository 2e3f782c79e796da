"""The rules of an account, and the fold of its events."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregates.account.cap_usage import NOTHING, Spending
from aggregates.account.decisions import change_status, credit
from aggregates.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountUnfrozen,
    AidReceived,
    AidReturned,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    Credited,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.account.fold import evolve
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    DateInvalidError,
    NoFundsError,
    RefusalError,
    StatusUnchangedError,
)
from aggregates.vocabulary import (
    Bucket,
    Ending,
    Insurance,
    InsuranceStatus,
    Parting,
    Relation,
    StreamId,
    instant,
)
from tests.aggregates.account.account_events import STL, TODAY, credited, debited, opened, returned
from tests.given_when_then import fold, given

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
BINDING, OTHER = StreamId("bnd_1"), StreamId("bnd_2")
CHILD, PARENT = StreamId("acc_child"), StreamId("acc_parent")
FROZEN = AccountFrozen(reason="court")
DEAD = AccountClosed(ending=Ending.DECEASED, reason="told", effective_on=TODAY, successor=None)
SUSPENDED = InsuranceSuspended(
    standing=InsuranceStatus.SUSPENDED, reason="told", effective_on=TODAY
)
LENDS = BeneficiaryLinked(binding=BINDING, beneficiary=CHILD, relation=Relation.CHILD, parent=None)


# ---------------------------------------------------------------- credits


@pytest.mark.parametrize("bucket", list(Bucket))
def test_money_comes_into_the_bucket_named(bucket: Bucket) -> None:
    """A credit goes to this year's bucket or to the prior one."""
    event = Credited(bucket=bucket, amount_fen=3_000, reference="r")
    given(evolve, opened()).when(lambda a: credit(a, bucket, 3_000, "r")).then(event)

    account = fold(evolve, opened(), event)
    expected = (3_000, 0) if bucket is Bucket.CURRENT else (0, 3_000)
    assert expected == (account.current_fen, account.prior_fen)


def test_a_resident_account_holds_no_money() -> None:
    """A resident's account cannot be credited."""
    story = given(evolve, opened(Insurance.RESIDENT))
    story.when(lambda a: credit(a, Bucket.CURRENT, 1, None)).then_refused(NoFundsError)


@pytest.mark.parametrize("amount_fen", [0, -1, AMOUNT_MAX_FEN, AMOUNT_MAX_FEN - 99])
def test_a_credit_is_above_nothing_and_fits(amount_fen: int) -> None:
    """A credit of 0, below 0, or beyond the largest balance is refused."""
    story = given(evolve, opened(), credited(100))
    story.when(lambda a: credit(a, Bucket.PRIOR, amount_fen, None)).then_refused(
        AmountOutOfRangeError
    )


def test_the_largest_balance_can_be_reached() -> None:
    """A credit may fill the account to the last fen."""
    story = given(evolve, opened(), credited(100))
    story.when(lambda a: credit(a, Bucket.CURRENT, AMOUNT_MAX_FEN - 100, None)).then(
        credited(AMOUNT_MAX_FEN - 100)
    )


@pytest.mark.parametrize("ending", list(Ending))
def test_nothing_comes_in_after_the_end(ending: Ending) -> None:
    """An ended account refuses credits."""
    end = AccountClosed(ending=ending, reason="told", effective_on=TODAY, successor=None)
    given(evolve, opened(), end).when(lambda a: credit(a, Bucket.CURRENT, 1, None)).then_refused(
        AccountEndedError
    )


def test_a_frozen_account_still_takes_money() -> None:
    """A frozen account accepts credits (S72)."""
    given(evolve, opened(), FROZEN).when(lambda a: credit(a, Bucket.CURRENT, 5, None)).then(
        credited(5)
    )


# ---------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("before", "status", "expected"),
    [
        ((), "FROZEN", AccountFrozen(reason="told")),
        ((), "SUSPENDED", SUSPENDED),
        ((), "DECEASED", DEAD),
        (
            (),
            "RETIRED",
            InsuranceResumed(standing=InsuranceStatus.RETIRED, reason="told", effective_on=TODAY),
        ),
        (
            (SUSPENDED,),
            "NORMAL",
            InsuranceResumed(standing=InsuranceStatus.NORMAL, reason="told", effective_on=TODAY),
        ),
        ((FROZEN,), "NORMAL", AccountUnfrozen(reason="told")),
        ((FROZEN,), "SUSPENDED", SUSPENDED),
        ((FROZEN,), "DECEASED", DEAD),
    ],
)
def test_a_status_change_is_the_event_it_means(
    before: tuple[object, ...], status: str, expected: object
) -> None:
    """Each status leads to the event of a freeze, the insurance or an end (§3.3)."""
    given(evolve, opened(), *before).when(
        lambda a: change_status(a, status, "told", TODAY, NOW)
    ).then(expected)


@pytest.mark.parametrize(
    ("before", "status", "days", "error"),
    [
        ((), "NORMAL", 0, StatusUnchangedError),
        ((FROZEN,), "FROZEN", 0, StatusUnchangedError),
        ((SUSPENDED,), "SUSPENDED", 0, StatusUnchangedError),
        ((), "DECEASED", 1, DateInvalidError),
        ((), "SUSPENDED", 1, DateInvalidError),
        ((DEAD,), "NORMAL", 0, AccountEndedError),
        ((DEAD,), "DECEASED", 0, AccountEndedError),
        ((DEAD,), "CLOSED", 1, AccountEndedError),
    ],
)
def test_a_status_change_is_refused(
    before: tuple[object, ...], status: str, days: int, error: type[RefusalError]
) -> None:
    """An unchanged status, a future day, and any change after the end are refused."""
    given(evolve, opened(), *before).when(
        lambda a: change_status(a, status, "told", TODAY + timedelta(days=days), NOW)
    ).then_refused(error)


def test_a_freeze_hides_the_standing_and_keeps_it() -> None:
    """A suspension during a freeze shows once the freeze is lifted."""
    account = fold(evolve, opened(), FROZEN, SUSPENDED)
    assert ("FROZEN", InsuranceStatus.SUSPENDED) == (account.status, account.standing)

    assert "SUSPENDED" == evolve(account, AccountUnfrozen(reason="told")).status


def test_an_end_outranks_a_freeze() -> None:
    """A frozen account whose owner died is DECEASED."""
    assert "DECEASED" == fold(evolve, opened(), FROZEN, DEAD).status


# ---------------------------------------------------------------- lent and received money


def test_own_debits_count_in_no_cap() -> None:
    """The owner's own spending is not counted as lent."""
    account = fold(evolve, opened(), credited(100), LENDS, debited(40))

    assert (60, NOTHING, NOTHING) == (
        account.current_fen,
        account.lent,
        account.beneficiaries[0].used,
    )


def test_a_lent_debit_counts_for_its_binding_and_for_the_sponsor() -> None:
    """It counts for its binding alone, and in the sponsor's sum."""
    second = BeneficiaryLinked(
        binding=OTHER, beneficiary=PARENT, relation=Relation.PARENT, parent=None
    )
    lent = (debited(30, 10, BINDING), debited(5, 0, OTHER))
    account = fold(
        evolve, opened(), credited(100), credited(50, Bucket.PRIOR), LENDS, second, *lent
    )

    assert (65, 40) == (account.current_fen, account.prior_fen)
    assert Spending(TODAY, 45, 45, 45) == account.lent
    assert [40, 5] == [link.used.day_fen for link in account.beneficiaries]


def test_a_return_of_last_year_leaves_this_years_count() -> None:
    """A debit of 31 December returned in January counts in the old year (S75, §3.4)."""
    old = debited(30, 0, BINDING, date(2026, 12, 31))
    new = debited(10, 0, BINDING, date(2027, 1, 2))
    story = (opened(), credited(100), LENDS, old, new, returned(old, date(2027, 1, 2)))

    assert Spending(date(2027, 1, 2), 10, 10, 10) == fold(evolve, *story).lent


def test_received_aid_counts_and_uncounts() -> None:
    """Aid is counted on its day, and its return is subtracted on that day."""
    got = AidReceived(settlement=STL, amount_fen=70, on=TODAY)
    back = AidReturned(settlement=STL, amount_fen=70, on=TODAY)

    assert Spending(TODAY, 70, 70, 70) == fold(evolve, opened(), got).received
    assert Spending(TODAY, 0, 0, 0) == fold(evolve, opened(), got, back).received


# ---------------------------------------------------------------- bindings and order


def test_an_invitation_is_open_until_it_is_answered() -> None:
    """A link replaces the invitation, and an unlinking removes both."""
    asked = InvitationReceived(binding=BINDING, sponsor=PARENT)
    link = SponsorLinked(
        binding=BINDING, sponsor=PARENT, relation=Relation.CHILD, parent=None, linked_at=NOW.at
    )
    gone = SponsorUnlinked(binding=BINDING)

    assert ((BINDING, PARENT),) == fold(evolve, opened(), asked).invitations
    linked = fold(evolve, opened(), asked, link)
    assert ((), [BINDING]) == (linked.invitations, [s.binding for s in linked.sponsors])
    assert ((), ()) == both(fold(evolve, opened(), asked, gone))
    assert ((), ()) == both(fold(evolve, opened(), asked, link, gone))


def both(account: Account) -> tuple[object, object]:
    return account.invitations, account.sponsors


def test_unlinking_one_beneficiary_keeps_the_others() -> None:
    """Only the named binding is removed."""
    second = BeneficiaryLinked(
        binding=OTHER, beneficiary=PARENT, relation=Relation.PARENT, parent=None
    )
    gone = BeneficiaryUnlinked(binding=BINDING, parting=Parting.RELEASED, on=TODAY)
    account = fold(evolve, opened(), LENDS, second, gone)

    assert [OTHER] == [link.binding for link in account.beneficiaries]


def test_each_change_of_the_order_is_a_version() -> None:
    """The version grows by one, so that a stale change can be refused."""
    first, second = OrderChanged(bindings=(BINDING, OTHER)), OrderChanged(bindings=(OTHER,))
    account = fold(evolve, opened(), first, second)

    assert ((OTHER,), 2) == (account.order, account.order_version)
