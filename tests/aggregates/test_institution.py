"""An institution's agreement, its payment and its applications for clearing."""

from dataclasses import replace
from datetime import date

import pytest

from aggregates.institution import (
    FIRST_DIALECT,
    AccountsCleared,
    ClearingRequested,
    ClearingWithdrawn,
    InstitutionDesignated,
    InstitutionEvent,
    clear,
    evolve,
    request_clearing,
    withdraw_clearing,
)
from aggregates.refusals import (
    ClearingBackwardError,
    DateInvalidError,
    InstitutionNotDesignatedError,
    RefusalError,
)
from aggregates.vocabulary import InstitutionKind, InstitutionStatus, MulaidMode
from tests.given_when_then import fold, given

TODAY = date(2026, 4, 2)
MARCH = AccountsCleared(through=date(2026, 3, 31))
ASKED = ClearingRequested(
    month=date(2026, 3, 1), kind="11", total_fen=12850, fund_pay_fen=None, account_fen=None
)
GONE = ClearingWithdrawn(month=ASKED.month, kind="11")


def designated(status: InstitutionStatus = InstitutionStatus.ACTIVE) -> InstitutionDesignated:
    return InstitutionDesignated(
        code="H1",
        name="第一人民医院",
        kind=InstitutionKind.HOSPITAL,
        region="990000",
        status=status,
        opened_regions=(),
        sensitive=False,
        dialect=FIRST_DIALECT,
        signature=None,
        sealed=None,
    )


def test_a_day_that_is_over_is_cleared_once() -> None:
    """A day that is over is cleared; a day that was paid is not paid again."""
    yesterday = AccountsCleared(through=date(2026, 4, 1))

    given(evolve, designated()).when(lambda s: clear(s, MARCH.through, TODAY)).then(MARCH)
    given(evolve, designated(), MARCH).when(lambda s: clear(s, yesterday.through, TODAY)).then(
        yesterday
    )


REFUSED: dict[str, tuple[tuple[InstitutionEvent, ...], date, type[RefusalError]]] = {
    "today": ((), TODAY, DateInvalidError),
    "a day to come": ((), date(2026, 4, 3), DateInvalidError),
    "the same day": ((MARCH,), MARCH.through, ClearingBackwardError),
    "a day before": ((MARCH,), date(2026, 3, 1), ClearingBackwardError),
}


@pytest.mark.parametrize(("before", "through", "error"), REFUSED.values(), ids=REFUSED)
def test_a_clearing_goes_forward_and_not_ahead(
    before: tuple[InstitutionEvent, ...], through: date, error: type[RefusalError]
) -> None:
    """A day that is not over, or was cleared, is refused."""
    given(evolve, designated(), *before).when(lambda s: clear(s, through, TODAY)).then_refused(
        error
    )


def test_what_was_paid_stays_paid() -> None:
    """A new designation does not change what was paid."""
    ended = fold(evolve, designated(), MARCH, designated(InstitutionStatus.ENDED))

    assert (InstitutionStatus.ENDED, MARCH.through) == (ended.status, ended.cleared_through)
    assert fold(evolve, designated()).cleared_through is None


def test_a_new_institution_speaks_the_national_dialect() -> None:
    """The aid is in `acct_pay`, in every region: clients compute the cash from it."""
    assert MulaidMode.CONTAINED is FIRST_DIALECT.mulaid_mode
    assert not FIRST_DIALECT.fund_includes_acct


def test_a_month_is_applied_for_once() -> None:
    """The same sums are no event, other sums replace them, another kind is separate."""
    more = replace(ASKED, total_fen=13000)
    story = given(evolve, designated(), ASKED)

    given(evolve, designated()).when(lambda s: request_clearing(s, ASKED)).then((ASKED,))
    story.when(lambda s: request_clearing(s, ASKED)).then(())
    story.when(lambda s: request_clearing(s, more)).then((more,))
    both = fold(evolve, designated(), ASKED, replace(ASKED, kind="21"), more)
    assert ("21", "11") == tuple(one.kind for one in both.requested)
    assert more in both.requested


def test_an_application_is_taken_back_once() -> None:
    """A second withdrawal is no event, and a new application may follow."""
    take_back = lambda s: withdraw_clearing(s, GONE.month, GONE.kind)  # noqa: E731
    given(evolve, designated(), ASKED).when(take_back).then((GONE,))
    given(evolve, designated(), ASKED, GONE).when(take_back).then(())
    given(evolve, designated(), ASKED, GONE).when(lambda s: request_clearing(s, ASKED)).then(
        (ASKED,)
    )


def test_a_month_that_was_paid_is_over() -> None:
    """A paid month takes no application or withdrawal; half a month paid is not paid."""
    half = AccountsCleared(through=date(2026, 3, 30))
    paid = given(evolve, designated(), ASKED, MARCH)

    paid.when(lambda s: request_clearing(s, ASKED)).then_refused(ClearingBackwardError)
    paid.when(lambda s: withdraw_clearing(s, GONE.month, "11")).then_refused(ClearingBackwardError)
    given(evolve, designated(), half).when(lambda s: request_clearing(s, ASKED)).then((ASKED,))


def test_who_is_under_no_agreement_applies_for_nothing() -> None:
    """A suspended institution cannot apply or withdraw; its applications stay."""
    suspended = designated(InstitutionStatus.SUSPENDED)
    story = given(evolve, designated(), ASKED, suspended)

    story.when(lambda s: request_clearing(s, ASKED)).then_refused(InstitutionNotDesignatedError)
    story.when(lambda s: withdraw_clearing(s, GONE.month, "11")).then_refused(
        InstitutionNotDesignatedError
    )
    assert (ASKED,) == fold(evolve, designated(), ASKED, suspended).requested
