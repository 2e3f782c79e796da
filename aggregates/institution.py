"""A designated institution (定点医药机构): its agreement, and up to when it was paid."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from aggregates.policy.choices import AmountSemantics, SponsorView
from aggregates.policy.edition import Edition
from aggregates.refusals import (
    ClearingBackwardError,
    DateInvalidError,
    InstitutionNotDesignatedError,
)
from aggregates.vocabulary import (
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    SignatureStyle,
    StatementWords,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How an institution's system writes and reads the national messages.

    `numbers` says whether amounts are JSON numbers; otherwise they are strings.
    """

    mulaid_mode: MulaidMode
    fund_includes_acct: bool
    numbers: bool
    stmt_rslt: StatementWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How an institution signs, and under which name; its secret is kept sealed beside it."""

    style: SignatureStyle
    paasid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionDesignated:
    """An institution is, or is again, under agreement with these particulars.

    `sealed` is the secret of its signature as ciphertext. Without a signature nobody has said
    yet how it signs.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsCleared:
    """The institution was paid for its settlements up to and including a business day."""

    through: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingRequested:
    """The institution applied to be paid for a month (清算申请), and stated what it comes to.

    `month` is its first day, `kind` the kind of clearing or 99 for all. Nothing is paid by it.
    """

    month: date
    kind: str
    total_fen: int
    fund_pay_fen: int | None
    account_fen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingWithdrawn:
    """The institution took its application for a month back."""

    month: date
    kind: str


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


def names_institution(
    edition: Edition | None, institution: Institution, *, is_active: bool
) -> bool:
    """Whether a sponsor sees an institution's name; its class he always sees.

    `edition` is the patient's region's of today, because it is he who is protected, and today
    that somebody looks. A name can tell an illness, so it stays hidden unless the region says
    FULL, the institution and its class are not marked as sensitive, and the binding still
    holds: who parted looks into the other's life no more (policy.md §6.1, PIPL art. 15).
    """
    if edition is None or not is_active or institution.sensitive:
        return False
    if institution.kind in edition.place.sensitive_institution_classes:
        return False
    return edition.privacy.sponsor_view_institution is SponsorView.FULL
