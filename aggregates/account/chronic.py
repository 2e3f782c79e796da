"""The rules for filings of chronic diseases (慢特病备案).

An institution's filing is a claim. It opens and closes nothing until an agency grants it; then the
person has the mark `CHRONIC_DISEASE`, which the rules of the regions read.
"""

from collections.abc import Iterator
from datetime import date

from aggregates.account.decisions import change_flags
from aggregates.account.events import (
    ChronicDiseaseFiled,
    ChronicDiseaseReviewed,
    ChronicFilingWithdrawn,
    FlagsChanged,
)
from aggregates.account.fold import evolve
from aggregates.account.state import Account, ChronicFiling
from aggregates.policy.choices import PersonFlag
from aggregates.refusals import (
    AccountEndedError,
    DateInvalidError,
    DiseaseFiledError,
    FilingLimitError,
    NotInReviewError,
    UnknownError,
)
from aggregates.vocabulary import StreamId

MARK = PersonFlag.CHRONIC_DISEASE
IN_REVIEW_MAX = 20
"""The most filings of a person under review; `own`: every bill reads the person's account."""


def file_disease(account: Account, filed: ChronicDiseaseFiled, on: date) -> ChronicDiseaseFiled:
    """Record an institution's filing, on a day.

    Raises:
        AccountEndedError: the account has ended; DateInvalidError: the filing ends before it
        begins; DiseaseFiledError: one of this disease is under review, or granted and not over;
        FilingLimitError: as many are under review as may be.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if filed.ends_on is not None and filed.ends_on < filed.begins_on:
        raise DateInvalidError(field="enddate")
    for other in account.chronic:
        if other.disease == filed.disease and not (other.is_granted and _is_over(other, on)):
            raise DiseaseFiledError
    if sum(not other.is_granted for other in account.chronic) >= IN_REVIEW_MAX:
        raise FilingLimitError
    return filed


def withdraw_filing(
    account: Account, filing: StreamId, institution: StreamId
) -> ChronicFilingWithdrawn:
    """Take back an institution's own filing.

    Raises:
        UnknownError: the institution has no such filing; NotInReviewError: an agency granted it,
        so only an agency ends it.
    """
    found = _find(account, filing)
    if found.institution != institution:
        raise UnknownError
    if found.is_granted:
        raise NotInReviewError
    return ChronicFilingWithdrawn(filing=filing)


def review_filing(
    account: Account, review: ChronicDiseaseReviewed, on: date
) -> list[ChronicDiseaseReviewed | FlagsChanged]:
    """Grant a filing, or refuse it, or end one that was granted; and change the mark with it.

    The mark goes with the last filing in force, also if an agency had set it by hand.

    Raises:
        UnknownError: there is no such filing; NotInReviewError: it is granted already;
        AccountEndedError: the account has ended; DateInvalidError: it is over, or not yet begun.
    """
    filed = _find(account, review.filing)
    if review.is_granted:
        if account.ending is not None:
            raise AccountEndedError(status=account.status)
        if filed.is_granted:
            raise NotInReviewError
        if filed.begins_on > on or _is_over(filed, on):
            raise DateInvalidError(field="from" if filed.begins_on > on else "to")
    elif not filed.is_granted or account.ending is not None:
        return [review]
    left = evolve(account, review)
    is_marked = any(f.is_granted and not _is_over(f, on) for f in left.chronic)
    others = set(account.flags) - {MARK}
    flags = tuple(sorted(others | {MARK} if is_marked else others))
    if set(flags) == set(account.flags):
        return [review]
    return [review, change_flags(account, flags, review.reason)]


def in_force(account: Account, on: date) -> Iterator[ChronicFiling]:
    """The granted filings that are valid on a day; none if the person does not have the mark."""
    if MARK in account.flags:
        for filed in account.chronic:
            if filed.is_granted and filed.begins_on <= on and not _is_over(filed, on):
                yield filed


def _is_over(filed: ChronicFiling, on: date) -> bool:
    return filed.ends_on is not None and filed.ends_on < on


def _find(account: Account, filing: StreamId) -> ChronicFiling:
    for filed in account.chronic:
        if filed.filing == filing:
            return filed
    raise UnknownError
