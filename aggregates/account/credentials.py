"""The rules for the credentials that a person's record holds (regions.md §3)."""

from datetime import date

from aggregates.account.events import CredentialAdded, CredentialWithdrawn
from aggregates.account.state import Account, HeldCredential
from aggregates.refusals import AccountEndedError, CredentialTakenError
from aggregates.vocabulary import CredentialType


def add_credential(
    account: Account, kind: CredentialType, sealed: str, on: date, *, is_taken: bool
) -> CredentialAdded:
    """Add a credential to a record; `is_taken` if it leads to somebody already.

    Raises:
        AccountEndedError: the account has ended; CredentialTakenError.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if is_taken:
        raise CredentialTakenError
    return CredentialAdded(kind=kind, sealed=sealed, on=on)


def withdraw_credential(held: HeldCredential, reason: str, on: date) -> CredentialWithdrawn:
    """Withdraw a credential, also after the account's end."""
    return CredentialWithdrawn(kind=held.kind, sealed=held.sealed, reason=reason, on=on)
