"""Erasing a person: when the law lets him go, and what is left of him.

What is left is an account id, amounts and days: the ledger's books stay whole, and nobody
can be found behind them (PIPL art. 47; policy.md §6.1).
"""

from typing import NamedTuple

from aggregates.account.events import PersonErased
from aggregates.account.reserved import live_holds
from aggregates.account.state import Account
from aggregates.refusals import EvidenceInvalidError, RuleRefusedError
from aggregates.vocabulary import ErasureReason, Instant


class ErasureNotAllowedError(RuleRefusedError):
    """The person is still needed; `open` names what must end first."""


class ErasureOrder(NamedTuple):
    """Why a person is to be erased, and which law or file says so."""

    reason: ErasureReason
    legal_basis: str


class ErasureInputs(NamedTuple):
    """What an account's person is known by, and whether somebody pays a premium for him now."""

    identities: tuple[str, ...]
    is_payee: bool = False


def erase(
    account: Account, needed: ErasureInputs, order: ErasureOrder, now: Instant
) -> PersonErased:
    """Let a person be erased.

    Raises:
        EvidenceInvalidError: the legal basis names the person himself;
        ErasureNotAllowedError: the account goes on, or money of it is still under way.
    """
    if any(identity in order.legal_basis for identity in needed.identities):
        raise EvidenceInvalidError(field="legal_basis")
    left = still_open(account, now, is_payee=needed.is_payee)
    if left:
        raise ErasureNotAllowedError(open=left)
    return PersonErased(reason=order.reason, legal_basis=order.legal_basis, on=now.on)


def still_open(account: Account, now: Instant, *, is_payee: bool = False) -> list[str]:
    """What still needs the person: his account, bindings, holds, premiums, money kept aside.

    Money that is held without an end waits for a premium's answer.
    """
    holds = live_holds(account, now)
    found = {
        "account": account.ending is None,
        "bindings": bool(account.sponsors or account.beneficiaries or account.invitations),
        "holds": any(hold.expires_at is not None for hold in holds),
        "premiums": is_payee or any(hold.expires_at is None for hold in holds),
        "suspense": bool(account.suspended),
    }
    return [name for name, is_open in found.items() if is_open]
