"""What may happen to an account: money in, and how it stands."""

from datetime import date

from aggregates.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountUnfrozen,
    Credited,
    FilingMade,
    InsuranceResumed,
    InsuranceSuspended,
    SuspensePaidOut,
)
from aggregates.account.fold import AccountEvent
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    DateInvalidError,
    FourEyesError,
    NoFundsError,
    StatusUnchangedError,
    UnknownError,
)
from aggregates.vocabulary import Bucket, Ending, FilingKind, Instant, InsuranceStatus, StreamId

IN_ORDER = (InsuranceStatus.NORMAL, InsuranceStatus.RETIRED)


def credit(
    account: Account,
    bucket: Bucket,
    amount_fen: int,
    reference: str | None,
    alone_max_fen: int | None = None,
) -> Credited:
    """Bring money in; one person alone brings in `alone_max_fen` at most.

    Raises:
        AccountEndedError: nothing comes in after the end; NoFundsError: a resident's account;
        AmountOutOfRangeError: not above zero, or the balance would pass the most;
        FourEyesError: more than that.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if not account.has_funds:
        raise NoFundsError
    if not 0 < amount_fen <= AMOUNT_MAX_FEN - account.balance_fen:
        raise AmountOutOfRangeError(field="amount")
    if alone_max_fen is not None and amount_fen > alone_max_fen:
        raise FourEyesError
    return Credited(bucket=bucket, amount_fen=amount_fen, reference=reference)


def change_status(
    account: Account,
    status: str,
    reason: str,
    effective_on: date,
    now: Instant,
    successor: StreamId | None = None,
) -> AccountEvent:
    """Freeze, unfreeze, suspend, resume or end an account (policy.md §3.3).

    `status` is what the account should be: NORMAL, RETIRED, SUSPENDED, ARREARS, FROZEN,
    DECEASED, TRANSFERRED or CLOSED. NORMAL or RETIRED on a frozen account lifts the freeze
    when the standing is that already.

    Raises:
        AccountEndedError: an ending is final; StatusUnchangedError: it is so already;
        DateInvalidError: an effective day ahead of today.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if effective_on > now.on:
        raise DateInvalidError(field="effective_on")
    if status == account.status:
        raise StatusUnchangedError(status=status)
    if status in Ending.__members__:
        return AccountClosed(
            ending=Ending(status), reason=reason, effective_on=effective_on, successor=successor
        )
    if status == "FROZEN":
        return AccountFrozen(reason=reason)
    if account.is_frozen and status == account.standing:
        return AccountUnfrozen(reason=reason)
    standing = InsuranceStatus(status)
    kind = InsuranceResumed if standing in IN_ORDER else InsuranceSuspended
    return kind(standing=standing, reason=reason, effective_on=effective_on)


def file_elsewhere(
    account: Account, place: str, kind: FilingKind, from_on: date, until_on: date | None
) -> FilingMade:
    """Note that the patient filed to be treated at a place (policy.md R301).

    Raises:
        AccountEndedError: nobody is treated on this account; DateInvalidError: it ends before
        it begins.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if until_on is not None and until_on < from_on:
        raise DateInvalidError(field="to")
    return FilingMade(place=place, kind=kind, from_on=from_on, until_on=until_on)


def pay_out(account: Account, ticket: str, reference: str) -> SuspensePaidOut:
    """Pay out all that is kept aside under a ticket: to the estate, or to a new owner.

    Raises:
        UnknownError: nothing is kept under it, or not any more.
    """
    kept = [aside.amount_fen for aside in account.suspended if aside.ticket == ticket]
    if not kept:
        raise UnknownError
    return SuspensePaidOut(ticket=ticket, amount_fen=sum(kept), reference=reference)
