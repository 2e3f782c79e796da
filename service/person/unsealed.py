"""A person's data in clear, as a decision or a query reads it."""

from typing import cast

from aggregates.vocabulary import StreamId
from service.ledger.read_set import ReadSet
from service.vault import Personal, Vault


def personal_of(reads: ReadSet, vault: Vault, account: StreamId) -> Personal | None:
    """The data of an account's owner, opened once in a decision; None if they are erased.

    Raises:
        KeyFileError: sealed with other keys.
    """
    if account not in reads.memo:
        reads.memo[account] = vault.unseal(*reads.person(account), account)
    return cast("Personal | None", reads.memo[account])
