"""A designated institution (定点医药机构): its agreement, and what it was paid for."""

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from aggregates.policy.choices import SponsorView
from aggregates.policy.edition import Edition
from aggregates.refusals import (
    ClearingBackwardError,
    DateInvalidError,
    InstitutionNotDesignatedError,
)
from aggregates.vocabulary import (
    AccountFlag,
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    SignatureStyle,
    StatementWords,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How an institution's system writes and reads the national messages.

    With `numbers` amounts are JSON numbers, otherwise strings. With `nulls` a missing value is
    null, otherwise a missing number is 0 and any other missing value an empty text.
    """

    mulaid_mode: MulaidMode
    fund_includes_acct: bool
    numbers: bool
    stmt_rslt: StatementWords
    nulls: bool = False
    acct_used_flag: AccountFlag = AccountFlag.NATIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How an institution signs, and under which name; its secret is stored sealed beside it."""

    style: SignatureStyle
    paasid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What an agreement states of an institution.

    `region` is the pooling area; `place_code` is the code given, if it was another one.
    `hospital_level` is "1" to "3", or "" if it is not known.
    """

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool
    place_code: str = ""
    hospital_level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionDesignated(Particulars):
    """An agreement was made or changed.

    `sealed` is the secret of the signature as ciphertext. Without a signature it is not known
    yet how the institution signs.
    """

    dialect: Dialect
    signature: Signature | None
    sealed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsCleared:
    """The institution was paid for its settlements through a business day, included."""

    through: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingRequested:
    """The institution applied to be paid for a month (清算申请), and stated its sums.

    `month` is its first day, `kind` the kind of clearing or 99 for all. It pays nothing.
    """

    month: date
    kind: str
    total_fen: int
    fund_pay_fen: int | None
    account_fen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingWithdrawn:
    """The institution withdrew its application for a month."""

    month: date
    kind: str


LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution(Particulars):
    """An institution, folded from its events. It was paid for everything through `cleared_through`.

    `requested` are its applications for clearing that it has not withdrawn.
    """

    dialect: Dialect
    signature: Signature | None
    sealed: str | None
    cleared_through: date | None = None
    requested: tuple[ClearingRequested, ...] = ()


InstitutionEvent = InstitutionDesignated | AccountsCleared | ClearingRequested | ClearingWithdrawn


def evolve(institution: Institution | None, event: InstitutionEvent) -> Institution:
    """Fold one event. A new designation replaces the particulars and leaves the clearing."""
    if not isinstance(event, InstitutionDesignated):
        assert institution is not None, "an institution begins with InstitutionDesignated"
        return _evolve_clearing(institution, event)
    signing = {"signature": event.signature, "sealed": event.sealed}
    changes = stated(event) | {"dialect": event.dialect} | signing
    return replace(institution, **changes) if institution else Institution(**changes)


def stated(particulars: Particulars) -> dict[str, Any]:
    """The fields of `Particulars` alone, by name."""
    return {field.name: getattr(particulars, field.name) for field in fields(Particulars)}


def _evolve_clearing(
    institution: Institution, event: AccountsCleared | ClearingRequested | ClearingWithdrawn
) -> Institution:
    if isinstance(event, AccountsCleared):
        return replace(institution, cleared_through=event.through)
    others = tuple(r for r in institution.requested if not _is_same(r, event))
    if isinstance(event, ClearingRequested):
        return replace(institution, requested=(*others, event))
    return replace(institution, requested=others)


def _is_same(request: ClearingRequested, event: ClearingRequested | ClearingWithdrawn) -> bool:
    return (request.month, request.kind) == (event.month, event.kind)


FIRST_DIALECT = Dialect(
    mulaid_mode=MulaidMode.CONTAINED,
    fund_includes_acct=False,
    numbers=True,
    stmt_rslt=StatementWords.NATIONAL,
)
"""A new institution's dialect, in every region: `acct_pay` contains the aid.

Clients compute the cash as psn_part_amt less acct_pay, so with the aid beside it they would charge
the patient again. Only an institution's own setting says otherwise.
"""


def check_designated(institution: Institution) -> None:
    """Refuse a suspended or ended institution: InstitutionNotDesignatedError (S103)."""
    if institution.status is not InstitutionStatus.ACTIVE:
        raise InstitutionNotDesignatedError(status=institution.status)


def clear(institution: Institution, through: date, today: date) -> AccountsCleared:
    """Record that an institution was paid through a day, included; `today` is the business day.

    Raises:
        DateInvalidError: the day is not over; ClearingBackwardError: the day was paid before.
    """
    if through >= today:
        raise DateInvalidError(field="through")
    _check_unpaid(institution, through)
    return AccountsCleared(through=through)


def request_clearing(
    institution: Institution, request: ClearingRequested
) -> tuple[ClearingRequested, ...]:
    """Apply for a month's clearing. Idempotent: no event if these sums are applied for already.

    Raises:
        InstitutionNotDesignatedError: its agreement is not in force; ClearingBackwardError: it
        was paid for the month.
    """
    check_designated(institution)
    _check_unpaid(institution, _last_day(request.month))
    return () if request in institution.requested else (request,)


def withdraw_clearing(
    institution: Institution, month: date, kind: str
) -> tuple[ClearingWithdrawn, ...]:
    """Withdraw an application. Idempotent: no event if there is none.

    Raises:
        InstitutionNotDesignatedError, ClearingBackwardError: as `request_clearing`.
    """
    check_designated(institution)
    withdrawn = ClearingWithdrawn(month=month, kind=kind)
    if not any(_is_same(request, withdrawn) for request in institution.requested):
        return ()
    _check_unpaid(institution, _last_day(month))
    return (withdrawn,)


def _last_day(month: date) -> date:
    return (month + LONGEST_MONTH).replace(day=1) - timedelta(days=1)


def _check_unpaid(institution: Institution, day: date) -> None:
    through = institution.cleared_through
    if through is not None and day <= through:
        raise ClearingBackwardError(cleared_through=through.isoformat())


def names_institution(
    edition: Edition | None, institution: Institution, *, is_active: bool
) -> bool:
    """Whether a sponsor sees an institution's name; its class is always shown.

    `edition` is today's edition of the patient's region, because it protects the patient at the
    time of reading. A name can reveal an illness, so it stays hidden unless the region says FULL,
    neither the institution nor its class is marked as sensitive, and the binding is active
    (policy.md §6.1, PIPL art. 15).
    """
    if edition is None or not is_active or institution.sensitive:
        return False
    if institution.kind in edition.place.sensitive_institution_classes:
        return False
    return edition.privacy.sponsor_view_institution is SponsorView.FULL
