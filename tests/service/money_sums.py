"""Where all money of a ledger in memory is, by its events and by what they left."""

from typing import NamedTuple

from aggregates.account.events import Corrected, Credited, SuspensePaidOut
from aggregates.account.state import Account
from aggregates.pool.pool import Pool
from aggregates.premium.premium import Premium
from aggregates.settlement.settlement import Settlement
from service.ledger.memory_store import MemoryStore
from service.ledger.store import Store


class Sums(NamedTuple):
    """Money that came in, and where it is, in fen; `premiums` is what the tax side has."""

    came_in: int
    accounts: int
    pools: int
    aside: int
    payable: int
    premiums: int
    paid_out: int


def sums_of(store: Store) -> Sums:
    """Add up a whole ledger; raises AssertionError where money was lost or made."""
    assert isinstance(store, MemoryStore)
    events = [recorded.event for recorded in store.log]
    states = [head.state for head in store.heads.values()]
    accounts = [state for state in states if isinstance(state, Account)]
    stays = [state.stay for state in states if isinstance(state, Settlement)]
    sums = Sums(
        came_in=sum(e.amount_fen for e in events if isinstance(e, Credited | Corrected)),
        accounts=sum(account.balance_fen for account in accounts),
        pools=sum(state.balance_fen for state in states if isinstance(state, Pool)),
        aside=sum(kept.amount_fen for account in accounts for kept in account.suspended),
        payable=sum(stay.own_fen + stay.aid_fen for stay in stays if stay is not None),
        premiums=sum(
            s.current_fen + s.prior_fen
            for s in states
            if isinstance(s, Premium) and s.status in {"confirmed", "reverse_requested"}
        ),
        paid_out=sum(e.amount_fen for e in events if isinstance(e, SuspensePaidOut)),
    )
    assert sums.came_in == sum(sums[1:]), sums
    return sums
