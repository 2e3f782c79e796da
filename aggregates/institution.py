"""A designated institution (定点医药机构): its agreement, and up to when it was paid."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from aggregates.policy_words import AmountSemantics
from aggregates.refusals import (
    ClearingBackwardError,
    DateInvalidError,
    InstitutionNotDesignatedError,
)
from aggregates.settlement_events import (
    AccountsCleared,
    ClearingRequested,
    ClearingWithdrawn,
    Dialect,
    InstitutionDesignated,
    Signature,
)
from aggregates.vocabulary import InstitutionKind, InstitutionStatus, MulaidMode, StatementWords

LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """An institution as its events left it. What it settled up to `cleared_through` was paid.

    `requested` are its applications for a month's clearing that it did not take back.
    """

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool
    dialect: Dialect
    signature: Signature | None
    sealed: str | None
    cleared_through: date | None = None
    requested: tuple[ClearingRequested, ...] = ()


InstitutionEvent = InstitutionDesignated | AccountsCleared | ClearingRequested | ClearingWithdrawn


def evolve(institution: Institution | None, event: InstitutionEvent) -> Institution:
    """The newest particulars are what holds; what was cleared stays so."""
    if not isinstance(event, InstitutionDesignated):
        assert institution is not None, "an institution begins with InstitutionDesignated"
        return _evolve_clearing(institution, event)
    return Institution(
        code=event.code,
        name=event.name,
        kind=event.kind,
        region=event.region,
        status=event.status,
        opened_regions=event.opened_regions,
        sensitive=event.sensitive,
        dialect=event.dialect,
        signature=event.signature,
        sealed=event.sealed,
        cleared_through=institution.cleared_through if institution else None,
        requested=institution.requested if institution else (),
    )


def _evolve_clearing(
    institution: Institution, event: AccountsCleared | ClearingRequested | ClearingWithdrawn
) -> Institution:
    if isinstance(event, AccountsCleared):
        return replace(institution, cleared_through=event.through)
    others = tuple(one for one in institution.requested if not _is_same(one, event))
    if isinstance(event, ClearingRequested):
        return replace(institution, requested=(*others, event))
    return replace(institution, requested=others)


def _is_same(one: ClearingRequested, other: ClearingRequested | ClearingWithdrawn) -> bool:
    return (one.month, one.kind) == (other.month, other.kind)


def first_dialect(semantics: AmountSemantics) -> Dialect:
    """What a new institution speaks: its region says how amounts stand, the rest is national."""
    included = semantics is AmountSemantics.INCLUDED
    return Dialect(
        mulaid_mode=MulaidMode.CONTAINED if included else MulaidMode.BESIDE,
        fund_includes_acct=False,
        numbers=True,
        stmt_rslt=StatementWords.NATIONAL,
    )


def check_designated(institution: Institution) -> None:
    """Refuse an institution whose agreement is not in force (S103).

    Raises:
        InstitutionNotDesignatedError: suspended or ended.
    """
    if institution.status is not InstitutionStatus.ACTIVE:
        raise InstitutionNotDesignatedError(status=institution.status)


def clear(institution: Institution, through: date, today: date) -> AccountsCleared:
    """Note that an institution was paid up to and including a day; `today` is the business day.

    Raises:
        DateInvalidError: the day is not over; ClearingBackwardError: it was paid for before.
    """
    if through >= today:
        raise DateInvalidError(field="through")
    before = institution.cleared_through
    if before is not None and through <= before:
        raise ClearingBackwardError(cleared_through=before.isoformat())
    return AccountsCleared(through=through)


def request_clearing(
    institution: Institution, asked: ClearingRequested
) -> tuple[ClearingRequested, ...]:
    """Apply for a month's clearing; nothing where it is applied for with these sums already.

    Raises:
        InstitutionNotDesignatedError: its agreement is not in force; ClearingBackwardError: it
        was paid for the month.
    """
    check_designated(institution)
    _check_unpaid(institution, asked.month)
    return () if asked in institution.requested else (asked,)


def withdraw_clearing(
    institution: Institution, month: date, kind: str
) -> tuple[ClearingWithdrawn, ...]:
    """Take an application back; nothing where there is none any more.

    Raises:
        InstitutionNotDesignatedError, ClearingBackwardError: as `request_clearing`.
    """
    check_designated(institution)
    gone = ClearingWithdrawn(month=month, kind=kind)
    if not any(_is_same(one, gone) for one in institution.requested):
        return ()
    _check_unpaid(institution, month)
    return (gone,)


def _check_unpaid(institution: Institution, month: date) -> None:
    last = (month + LONGEST_MONTH).replace(day=1) - timedelta(days=1)
    paid = institution.cleared_through
    if paid is not None and paid >= last:
        raise ClearingBackwardError(cleared_through=paid.isoformat())
