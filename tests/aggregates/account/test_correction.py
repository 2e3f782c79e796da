"""Corrections: who decides, how much may be corrected, and in which bucket."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from aggregates.account.correction import (
    BalanceError,
    Correction,
    CorrectionApproved,
    CorrectionRejected,
    approve,
    evolve,
    propose,
    reject,
)
from aggregates.account.events import AccountClosed, AccountFrozen, Corrected, Held
from aggregates.account.fold import evolve as evolve_account
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.account.year_close import turned
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    CorrectionDecidedError,
    CorrectionExceedsError,
    DualControlError,
    NoFundsError,
    RefusalError,
)
from aggregates.vocabulary import (
    Bucket,
    CorrectionStatus,
    Ending,
    Instant,
    Insurance,
    StreamId,
    instant,
)
from tests.aggregates.account.account_events import TODAY, credited, opened
from tests.given_when_then import fold

NOW = instant(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
NEXT_YEAR = instant(datetime(2027, 1, 4, 2, 0, tzinfo=UTC))
COR, ACCOUNT = StreamId("cor_1"), StreamId("acc_1")
CURRENT, PRIOR = Bucket.CURRENT, Bucket.PRIOR
DEAD = AccountClosed(ending=Ending.DECEASED, reason="told", effective_on=TODAY, successor=None)
RICH = fold(evolve_account, opened(), credited(1_000), credited(500, PRIOR))


def held(current_fen: int = 0, prior_fen: int = 0, minutes: int = 15) -> Held:
    return Held(
        hold=StreamId("hld_1"),
        binding=None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        aid_fen=0,
        on=TODAY,
        expires_at=NOW.at + timedelta(minutes=minutes),
    )


def after(*events: object) -> Account:
    state = RICH
    for event in events:
        state = evolve_account(state, event)  # type: ignore[arg-type]
    return state


def proposed(amount_fen: int, bucket: Bucket = CURRENT, on: Account = RICH) -> Correction:
    wrong = BalanceError(bucket, amount_fen, "told", None)
    return evolve(None, propose(ACCOUNT, on, wrong, "clerk 1", NOW))


def approved(
    correction: Correction, account: Account = RICH, by: str = "clerk 2", now: Instant = NOW
) -> Account:
    """The account after the approval."""
    _, corrected = approve(COR, correction, account, by, now)
    return evolve_account(account, corrected)


@pytest.mark.parametrize(
    ("bucket", "amount_fen", "left"),
    [
        (CURRENT, -1_000, (0, 500)),
        (CURRENT, 1, (1_001, 500)),
        (PRIOR, -500, (1_000, 0)),
        (PRIOR, 700, (1_000, 1_200)),
    ],
)
def test_an_approval_moves_one_bucket(
    bucket: Bucket, amount_fen: int, left: tuple[int, int]
) -> None:
    """The named bucket changes, down to 0 at most, and no other."""
    account = approved(proposed(amount_fen, bucket))

    assert left == (account.current_fen, account.prior_fen)
    assert RICH == account._replace(current_fen=1_000, prior_fen=500)


@pytest.mark.parametrize(("bucket", "amount_fen"), [(CURRENT, -1_001), (PRIOR, -501)])
def test_no_bucket_goes_below_nothing(bucket: Bucket, amount_fen: int) -> None:
    """What one bucket lacks is not taken from the other."""
    with pytest.raises(CorrectionExceedsError):
        approved(proposed(amount_fen, bucket))


@pytest.mark.parametrize(
    ("hold", "amount_fen", "is_free"),
    [
        (held(400), -600, True),
        (held(400), -601, False),
        (held(400, minutes=0), -1_000, True),
        (held(prior_fen=400), -1_000, True),
        (held(1_000), 5, True),
    ],
)
def test_what_is_held_stays(hold: Held, amount_fen: int, *, is_free: bool) -> None:
    """Live holds of the bucket are not touched; expired ones do not count."""
    account = after(hold)
    if is_free:
        assert 1_000 + amount_fen == approved(proposed(amount_fen), account).current_fen
        return
    with pytest.raises(CorrectionExceedsError):
        approved(proposed(amount_fen), account)


@pytest.mark.parametrize(
    ("account", "amount_fen", "error"),
    [
        (fold(evolve_account, opened(Insurance.RESIDENT)), 100, NoFundsError),
        (fold(evolve_account, opened(Insurance.RESIDENT)), -100, NoFundsError),
        (after(DEAD), 1, AccountEndedError),
        (RICH, 0, AmountOutOfRangeError),
        (RICH, AMOUNT_MAX_FEN - 1_499, AmountOutOfRangeError),
        (RICH, -AMOUNT_MAX_FEN - 1, AmountOutOfRangeError),
    ],
)
def test_what_cannot_be_is_not_proposed(
    account: Account, amount_fen: int, error: type[RefusalError]
) -> None:
    """A resident's account, a credit after the end, 0 and too much are refused."""
    with pytest.raises(RefusalError) as refused:
        proposed(amount_fen, on=account)

    assert error is type(refused.value)


def test_it_is_asked_again_when_it_is_approved() -> None:
    """The approval checks again whether the account has ended or is full."""
    with pytest.raises(AccountEndedError):
        approved(proposed(100), after(DEAD))
    full = after(credited(AMOUNT_MAX_FEN - 1_500))
    with pytest.raises(AmountOutOfRangeError):
        approved(proposed(1), full)


def test_after_an_end_money_is_only_taken_off() -> None:
    """Money credited after a death goes back; a freeze does not prevent it."""
    assert 400 == approved(proposed(-600, on=after(DEAD)), after(DEAD)).current_fen
    assert 400 == approved(proposed(-600), after(AccountFrozen(reason="court"))).current_fen


def test_what_was_current_is_prior_after_new_year() -> None:
    """Wrong current money is corrected in the prior bucket after New Year."""
    account = turned(RICH, NEXT_YEAR)
    decided, corrected = approve(COR, proposed(-900), account, "clerk 2", NEXT_YEAR)

    assert (0, 1_500) == (account.current_fen, account.prior_fen)
    assert PRIOR is decided.bucket
    assert Corrected(correction=COR, bucket=PRIOR, amount_fen=-900) == corrected


def test_what_was_current_is_prior_after_the_insurance_year() -> None:
    """Where the year begins on 1 July, January changes nothing and July does."""
    proposal, july = proposed(-900), instant(datetime(2026, 7, 1, 2, 0, tzinfo=UTC))
    account = RICH._replace(year_from="07-01", year=2025)

    assert CURRENT is approve(COR, proposal, account, "clerk 2", NOW)[0].bucket
    assert PRIOR is approve(COR, proposal, turned(account, july), "clerk 2", july)[0].bucket


DECISIONS: dict[str, Callable[[Correction, str], CorrectionApproved | CorrectionRejected]] = {
    "approved": lambda correction, by: approve(COR, correction, RICH, by, NOW)[0],
    "rejected": lambda correction, by: reject(correction, by, "told"),
}


@pytest.mark.parametrize("word", DECISIONS)
def test_who_proposed_cannot_decide(word: str) -> None:
    """The proposer can neither approve nor reject."""
    with pytest.raises(DualControlError):
        DECISIONS[word](proposed(-1), "clerk 1")


@pytest.mark.parametrize("first", DECISIONS)
@pytest.mark.parametrize("second", DECISIONS)
@pytest.mark.parametrize("by", ["clerk 1", "clerk 2", "clerk 3"])
def test_it_is_decided_once(first: str, second: str, by: str) -> None:
    """A decided correction can be neither approved nor rejected again."""
    correction = proposed(-1)
    correction = evolve(correction, DECISIONS[first](correction, "clerk 2"))

    assert (CorrectionStatus(first), "clerk 2") == (correction.status, correction.decided_by)
    with pytest.raises(CorrectionDecidedError) as refused:
        DECISIONS[second](correction, by)
    assert {"status": first} == refused.value.fields
