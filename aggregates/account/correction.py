"""A correction (更正): one of the agency proposes it, another approves or rejects it.

Never below what is held of the bucket, never beyond the most that an account may hold, never on
a resident's account. A freeze does not stand in its way: it guards what is the owner's, and a
wrong balance never was. After an account's end money is only taken off: what was brought in after
a death that was reported late must go back, and nothing comes in any more, as with credits.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.account.events import Corrected
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
    """Somebody of the agency says what is wrong with a balance; no money moves yet."""

    account: StreamId
    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None
    by: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionApproved:
    """Somebody else agreed: the money moved in this bucket in the same moment."""

    by: str
    bucket: Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRejected:
    """Somebody else did not agree: nothing moves."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction as its events left it; `bucket` is where the money moved, if it did."""

    proposed: CorrectionProposed
    status: CorrectionStatus
    bucket: Bucket
    decided_by: str | None = None
    why: str | None = None


CorrectionEvent = CorrectionProposed | CorrectionApproved | CorrectionRejected


def evolve(correction: Correction | None, event: CorrectionEvent) -> Correction:
    """Fold one event into a correction. Never judges."""
    if isinstance(event, CorrectionProposed):
        return Correction(proposed=event, status=CorrectionStatus.PROPOSED, bucket=event.bucket)
    assert correction is not None, "a correction begins with CorrectionProposed"
    if isinstance(event, CorrectionApproved):
        return replace(
            correction,
            status=CorrectionStatus.APPROVED,
            bucket=event.bucket,
            decided_by=event.by,
        )
    return replace(
        correction, status=CorrectionStatus.REJECTED, decided_by=event.by, why=event.reason
    )


class BalanceError(NamedTuple):
    """What is wrong with a balance: this much is missing (or, below zero, too much) in a bucket."""

    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None


def propose(
    account_id: StreamId, account: Account, wrong: BalanceError, by: str, now: Instant
) -> CorrectionProposed:
    """Say what should be put right. Whether the money is there is asked at the approval.

    Raises:
        NoFundsError: a resident's account; AccountEndedError: upwards after the end;
        AmountOutOfRangeError: zero, or beyond the most.
    """
    _check_may(account, wrong.amount_fen)
    return CorrectionProposed(
        account=account_id,
        bucket=wrong.bucket,
        amount_fen=wrong.amount_fen,
        reason=wrong.reason,
        reference=wrong.reference,
        by=by,
        on=now.on,
    )


def approve(
    correction_id: StreamId, correction: Correction, account: Account, by: str, now: Instant
) -> tuple[CorrectionApproved, Corrected]:
    """Agree, and what that does to the account as it is now.

    What was current money when it was proposed is prior money after New Year, as for refunds.

    Raises:
        CorrectionDecidedError, DualControlError: not his to decide; CorrectionExceedsError: it
        takes more than is free in the bucket; the rest as `propose`.
    """
    _check_may_decide(correction, by)
    proposed = correction.proposed
    _check_may(account, proposed.amount_fen)
    bucket = Bucket.PRIOR if proposed.on.year < now.on.year else proposed.bucket
    free = as_spent(account, now)
    free_fen = free.current_fen if bucket is Bucket.CURRENT else free.prior_fen
    if proposed.amount_fen < -free_fen:
        raise CorrectionExceedsError
    return CorrectionApproved(by=by, bucket=bucket), Corrected(
        correction=correction_id, bucket=bucket, amount_fen=proposed.amount_fen
    )


def reject(correction: Correction, by: str, reason: str) -> CorrectionRejected:
    """Do not agree.

    Raises:
        CorrectionDecidedError, DualControlError: not his to decide.
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
