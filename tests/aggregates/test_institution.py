"""An institution's agreement, and up to when it was paid."""

from datetime import date

import pytest

from aggregates.institution import InstitutionEvent, clear, evolve, first_dialect
from aggregates.policy_words import AmountSemantics
from aggregates.refusals import ClearingBackwardError, DateInvalidError, RefusalError
from aggregates.settlement_events import AccountsCleared, Dialect, InstitutionDesignated
from aggregates.vocabulary import InstitutionKind, InstitutionStatus, MulaidMode, StatementWords
from tests.story import fold, given

TODAY = date(2026, 4, 2)
MARCH = AccountsCleared(through=date(2026, 3, 31))


def designated(status: InstitutionStatus = InstitutionStatus.ACTIVE) -> InstitutionDesignated:
    return InstitutionDesignated(
        code="H1",
        name="第一人民医院",
        kind=InstitutionKind.HOSPITAL,
        region="990000",
        status=status,
        opened_regions=(),
        sensitive=False,
        dialect=first_dialect(AmountSemantics.INCLUDED),
        signature=None,
        sealed=None,
    )


def test_a_day_that_is_over_is_cleared_once() -> None:
    """Up to yesterday, and only forward: a day that was paid is not paid again."""
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
    """A day that is not over, or that was cleared, is refused."""
    given(evolve, designated(), *before).when(lambda s: clear(s, through, TODAY)).then_refused(
        error
    )


def test_what_was_paid_stays_paid() -> None:
    """A new designation changes the particulars and not up to when the institution was paid."""
    ended = fold(evolve, designated(), MARCH, designated(InstitutionStatus.ENDED))

    assert (InstitutionStatus.ENDED, MARCH.through) == (ended.status, ended.cleared_through)
    assert fold(evolve, designated()).cleared_through is None


@pytest.mark.parametrize(
    ("semantics", "mode"),
    [
        (AmountSemantics.INCLUDED, MulaidMode.CONTAINED),
        (AmountSemantics.SEPARATE, MulaidMode.BESIDE),
    ],
)
def test_a_new_institution_speaks_its_regions_dialect(
    semantics: AmountSemantics, mode: MulaidMode
) -> None:
    """The region says how the amounts stand; all else begins as the national way."""
    assert first_dialect(semantics) == Dialect(
        mulaid_mode=mode,
        fund_includes_acct=False,
        numbers=True,
        stmt_rslt=StatementWords.NATIONAL,
    )
