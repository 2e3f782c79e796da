"""The rules for erasing a person (PIPL art. 47; policy.md §6.1).

An account id, amounts and days remain: the ledger's books stay complete, and they no longer
lead to the person.
"""

from typing import NamedTuple

from aggregates.account.events import PersonErased
from aggregates.account.reserved import live_holds
from aggregates.account.state import Account
from aggregates.refusals import EvidenceInvalidError, RuleRefusedError
from aggregates.vocabulary import ErasureReason, Instant


class ErasureNotAllowedError(RuleRefusedError):
    """Something still needs the person; `open` names what must end first."""


class ErasureOrder(NamedTuple):
    """Why a person is erased, and the law or file that says so."""

    reason: ErasureReason
    legal_basis: str


class ErasureInputs(NamedTuple):
    """The person's name and numbers, and whether a premium for them is still open.

    `pool_fen` is what is in their family pool: money of a premium that is not answered yet.
    """

    identities: tuple[str, ...]
    is_payee: bool = False
    pool_fen: int = 0


def erase(
    account: Account, inputs: ErasureInputs, order: ErasureOrder, now: Instant
) -> PersonErased:
    """Erase a person.

    Raises:
        EvidenceInvalidError: the legal basis names the person;
        ErasureNotAllowedError: the account has not ended, or something of it is still open.
    """
    if any(identity in order.legal_basis for identity in inputs.identities):
        raise EvidenceInvalidError(field="legal_basis")
    needs = still_open(account, now, is_payee=inputs.is_payee)
    if needs := needs + (["pool"] if inputs.pool_fen else []):
        raise ErasureNotAllowedError(open=needs)
    return PersonErased(reason=order.reason, legal_basis=order.legal_basis, on=now.on)


def still_open(account: Account, now: Instant, *, is_payee: bool = False) -> list[str]:
    """What still needs the person: account, bindings, holds, premiums, suspense.

    A hold without an expiry belongs to a premium that the tax authority has not answered.
    """
    holds = live_holds(account, now)
    needs = {
        "account": account.ending is None,
        "bindings": bool(account.sponsors or account.beneficiaries or account.invitations),
        "holds": any(hold.expires_at is not None for hold in holds),
        "premiums": is_payee or any(hold.expires_at is None for hold in holds),
        "suspense": bool(account.suspended),
    }
    return [name for name, is_open in needs.items() if is_open]
