"""Erasing a person: when the law lets him go, and what is left of him.

What is left is an account id, amounts and days: the ledger's books stay whole, and nobody
can be found behind them (PIPL art. 47; policy.md §6.1).
"""

from aggregates.account_state import Account
from aggregates.events import PersonErased
from aggregates.holding import live_holds
from aggregates.refusals import EvidenceInvalidError, RuleRefusedError
from aggregates.vocabulary import ErasureReason, Instant


class ErasureNotAllowedError(RuleRefusedError):
    """The person is still needed; `open` names what must end first."""


def erase(
    account: Account, identities: tuple[str, ...], order: tuple[ErasureReason, str], now: Instant
) -> PersonErased:
    """Let a person be erased. `identities` is what he is known by, `order` why and by which law.

    Raises:
        EvidenceInvalidError: the legal basis names the person himself;
        ErasureNotAllowedError: the account goes on, or money of it is still under way.
    """
    reason, legal_basis = order
    if any(identity in legal_basis for identity in identities):
        raise EvidenceInvalidError(field="legal_basis")
    left = still_open(account, now)
    if left:
        raise ErasureNotAllowedError(open=left)
    return PersonErased(reason=reason, legal_basis=legal_basis, on=now.on)


def still_open(account: Account, now: Instant) -> list[str]:
    """What still needs the person: his account, bindings, holds, premiums, money kept aside.

    Money that is held without an end waits for a premium's answer.
    """
    holds = live_holds(account, now)
    found = {
        "account": account.ending is None,
        "bindings": bool(account.sponsors or account.beneficiaries or account.invitations),
        "holds": any(hold.expires_at is not None for hold in holds),
        "premiums": any(hold.expires_at is None for hold in holds),
        "suspense": bool(account.suspended),
    }
    return [name for name, is_open in found.items() if is_open]
