"""A designated institution (定点医药机构): its agreement, and up to when it was paid."""

from dataclasses import dataclass, replace
from datetime import date

from aggregates.policy_words import AmountSemantics
from aggregates.refusals import (
    ClearingBackwardError,
    DateInvalidError,
    InstitutionNotDesignatedError,
)
from aggregates.settlement_events import (
    AccountsCleared,
    Dialect,
    InstitutionDesignated,
    Signature,
)
from aggregates.vocabulary import InstitutionKind, InstitutionStatus, MulaidMode, StatementWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """An institution as its events left it. What it settled up to `cleared_through` was paid."""

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


InstitutionEvent = InstitutionDesignated | AccountsCleared


def evolve(institution: Institution | None, event: InstitutionEvent) -> Institution:
    """The newest particulars are what holds; what was cleared stays so."""
    if isinstance(event, AccountsCleared):
        assert institution is not None, "an institution begins with InstitutionDesignated"
        return replace(institution, cleared_through=event.through)
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
    )


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
