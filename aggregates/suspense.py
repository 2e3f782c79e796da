"""Money kept aside: it came back to an account that may not take it (policy.md §3.3, §3.4)."""

from aggregates.account_state import Account
from aggregates.fund_events import SuspensePaidOut
from aggregates.refusals import UnknownError


def pay_out(account: Account, ticket: str, reference: str) -> SuspensePaidOut:
    """Pay out all that is kept aside under a ticket: to the estate, or to a new owner.

    Raises:
        UnknownError: nothing is kept under it, or not any more.
    """
    kept = [aside.amount_fen for aside in account.suspended if aside.ticket == ticket]
    if not kept:
        raise UnknownError
    return SuspensePaidOut(ticket=ticket, amount_fen=sum(kept), reference=reference)
