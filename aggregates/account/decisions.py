"""The rules for crediting an account, changing its status, filings and suspense pay-outs."""

from datetime import date, timedelta

from aggregates.account import events
from aggregates.account.fold import AccountEvent
from aggregates.account.insurance_year import insurance_year
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
from aggregates.vocabulary import (
    Bucket,
    Ending,
    FilingKind,
    Instant,
    Insurance,
    InsuranceStatus,
    StreamId,
)

CODE_LIFE = timedelta(minutes=15)
"""How long a sponsor's own code opens the account; `own`: as long as a credential link's code."""
IN_ORDER = (InsuranceStatus.NORMAL, InsuranceStatus.RETIRED)


def open_balance(
    account: Account, now: Instant, *, is_allowed: bool
) -> events.BalanceOpened | None:
    """What goes before a resident's first credit; None where the account holds money already.

    Raises:
        NoFundsError: a resident's account, and the region does not allow it money.
    """
    if account.insurance is Insurance.EMPLOYEE:
        return None
    if not is_allowed:
        raise NoFundsError
    if account.is_balance_open:
        return None
    return events.BalanceOpened(year=insurance_year(now.on, account.year_from))


def credit(
    account: Account,
    bucket: Bucket,
    amount_fen: int,
    reference: str | None,
    alone_max_fen: int | None = None,
) -> events.Credited:
    """Credit an account; one clerk alone may credit `alone_max_fen` at most.

    Raises:
        AccountEndedError: the account has ended; NoFundsError: a resident's account;
        AmountOutOfRangeError: not above zero, or the balance would pass AMOUNT_MAX_FEN;
        FourEyesError: above `alone_max_fen`.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if not account.has_funds:
        raise NoFundsError
    if not 0 < amount_fen <= AMOUNT_MAX_FEN - account.balance_fen:
        raise AmountOutOfRangeError(field="amount")
    if alone_max_fen is not None and amount_fen > alone_max_fen:
        raise FourEyesError
    return events.Credited(bucket=bucket, amount_fen=amount_fen, reference=reference)


def change_status(
    account: Account,
    status: str,
    reason: str,
    effective_on: date,
    now: Instant,
    successor: StreamId | None = None,
) -> AccountEvent:
    """Freeze, unfreeze, suspend, resume or end an account (policy.md §3.3).

    `status` is the new status: NORMAL, RETIRED, SUSPENDED, ARREARS, FROZEN, DECEASED,
    TRANSFERRED or CLOSED. NORMAL or RETIRED lifts a freeze if it equals the standing.

    Raises:
        AccountEndedError: an ending is final; StatusUnchangedError: it is the present status;
        DateInvalidError: the effective day is after today.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if effective_on > now.on:
        raise DateInvalidError(field="effective_on")
    if status == account.status:
        raise StatusUnchangedError(status=status)
    if status in Ending.__members__:
        return events.AccountClosed(
            ending=Ending(status), reason=reason, effective_on=effective_on, successor=successor
        )
    if status == "FROZEN":
        return events.AccountFrozen(reason=reason)
    if account.is_frozen and status == account.standing:
        return events.AccountUnfrozen(reason=reason)
    standing = InsuranceStatus(status)
    change = events.InsuranceResumed if standing in IN_ORDER else events.InsuranceSuspended
    return change(standing=standing, reason=reason, effective_on=effective_on)


def change_flags(account: Account, flags: tuple[str, ...], reason: str) -> events.FlagsChanged:
    """Replace the marks on a person; the event has them in alphabetical order.

    Raises:
        AccountEndedError: the account has ended; StatusUnchangedError: they are the present ones.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if set(flags) == set(account.flags):
        raise StatusUnchangedError(status=account.status)
    return events.FlagsChanged(flags=tuple(sorted(set(flags))), reason=reason)


def show_code(account: Account, code: str, now: Instant) -> events.AuthoriserCodeShown:
    """Show a code, given as its keyed digest; AccountEndedError if the account has ended."""
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    return events.AuthoriserCodeShown(code=code, expires_at=now.at + CODE_LIFE)


def file_elsewhere(
    account: Account, place: str, kind: FilingKind, from_on: date, until_on: date | None
) -> events.FilingMade:
    """Record the patient's filing to be treated at a place (policy.md R301).

    Raises:
        AccountEndedError: the account has ended; DateInvalidError: the filing ends before it
        begins.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if until_on is not None and until_on < from_on:
        raise DateInvalidError(field="to")
    return events.FilingMade(place=place, kind=kind, from_on=from_on, until_on=until_on)


def pay_out(account: Account, ticket: str, reference: str) -> events.SuspensePaidOut:
    """Pay out everything in suspense under a ticket; UnknownError if there is nothing."""
    amounts = [entry.amount_fen for entry in account.suspended if entry.ticket == ticket]
    if not amounts:
        raise UnknownError
    return events.SuspensePaidOut(ticket=ticket, amount_fen=sum(amounts), reference=reference)
