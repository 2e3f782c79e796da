"""A correction (更正) of a balance: one agency clerk proposes it, another approves or rejects it.

A correction never takes held money, never passes AMOUNT_MAX_FEN, and never touches a resident's
account. A frozen account may be corrected: the freeze guards the owner's money, and a wrong
balance never was the owner's. After an account's end a correction only takes money off: credits
that came after a death reported late must go back, and nothing may come in any more.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.account.events import Corrected
from aggregates.account.insurance_year import has_turned
from aggregates.account.reserved import as_spent
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    CorrectionDecidedError,
    CorrectionExceedsError,
    DualControlError,
    NoFundsError,
)
from aggregates.vocabulary import Bucket, CorrectionStatus, Instant, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionProposed:
    """An agency clerk proposed to correct a balance; no money has moved."""

    account: StreamId
    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None
    by: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionApproved:
    """Another clerk approved: the money moved in this bucket in the same append."""

    by: str
    bucket: Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRejected:
    """Another clerk rejected the proposal; no money moved."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction, folded from its events; once approved, `bucket` is where the money moved."""

    proposed: CorrectionProposed
    status: CorrectionStatus
    bucket: Bucket
    decided_by: str | None = None
    why: str | None = None


CorrectionEvent = CorrectionProposed | CorrectionApproved | CorrectionRejected


def evolve(correction: Correction | None, event: CorrectionEvent) -> Correction:
    """Fold one event into a correction. Nothing is validated."""
    if isinstance(event, CorrectionProposed):
        return Correction(proposed=event, status=CorrectionStatus.PROPOSED, bucket=event.bucket)
    assert correction is not None, "a correction begins with CorrectionProposed"
    if isinstance(event, CorrectionApproved):
        approved = CorrectionStatus.APPROVED
        return replace(correction, status=approved, bucket=event.bucket, decided_by=event.by)
    rejected = CorrectionStatus.REJECTED
    return replace(correction, status=rejected, decided_by=event.by, why=event.reason)


class BalanceError(NamedTuple):
    """An error of a bucket in fen: positive if money is missing, negative if there is too much."""

    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None


def propose(
    account_id: StreamId, account: Account, wrong: BalanceError, by: str, now: Instant
) -> CorrectionProposed:
    """Propose a correction. Only the approval checks whether the bucket has the money.

    Raises:
        NoFundsError: a resident's account; AccountEndedError: money in after the end;
        AmountOutOfRangeError: zero, or the balance would pass AMOUNT_MAX_FEN.
    """
    _check_may(account, wrong.amount_fen)
    return CorrectionProposed(account=account_id, by=by, on=now.on, **wrong._asdict())


def approve(
    correction_id: StreamId, correction: Correction, account: Account, by: str, now: Instant
) -> tuple[CorrectionApproved, Corrected]:
    """Approve a correction; the second event moves the money of the account.

    Money that was current at the proposal is prior money in the next insurance year, as for
    refunds.

    Raises:
        CorrectionDecidedError, DualControlError: as `reject`; CorrectionExceedsError: it takes
        more than is free in the bucket; the rest as `propose`.
    """
    _check_may_decide(correction, by)
    proposed = correction.proposed
    _check_may(account, proposed.amount_fen)
    is_over = has_turned(proposed.on, now.on, account.year_from)
    bucket = Bucket.PRIOR if is_over else proposed.bucket
    free = as_spent(account, now)
    free_fen = free.current_fen if bucket is Bucket.CURRENT else free.prior_fen
    if proposed.amount_fen < -free_fen:
        raise CorrectionExceedsError
    return CorrectionApproved(by=by, bucket=bucket), Corrected(
        correction=correction_id, bucket=bucket, amount_fen=proposed.amount_fen
    )


def reject(correction: Correction, by: str, reason: str) -> CorrectionRejected:
    """Reject a correction.

    Raises:
        CorrectionDecidedError: it was decided before; DualControlError: `by` proposed it.
    """
    _check_may_decide(correction, by)
    return CorrectionRejected(by=by, reason=reason)


def _check_may(account: Account, amount_fen: int) -> None:
    if not account.has_funds:
        raise NoFundsError
    if account.ending is not None and amount_fen > 0:
        raise AccountEndedError(status=account.status)
    room_fen = AMOUNT_MAX_FEN - account.balance_fen
    if not amount_fen or not -AMOUNT_MAX_FEN <= amount_fen <= room_fen:
        raise AmountOutOfRangeError(field="amount")


def _check_may_decide(correction: Correction, by: str) -> None:
    if correction.status is not CorrectionStatus.PROPOSED:
        raise CorrectionDecidedError(status=correction.status)
    if by == correction.proposed.by:
        raise DualControlError
