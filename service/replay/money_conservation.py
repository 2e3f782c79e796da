"""Conservation of money (reliability.md (c) I1 to I4), counted event by event while folding."""

from dataclasses import dataclass

from aggregates.account.events import (
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    MovedFromPool,
    MovedToPool,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
)
from aggregates.account.state import Account
from aggregates.pool.events import (
    PoolDebited,
    PoolEmptied,
    PoolFunded,
    PoolPremiumDebited,
    PoolPremiumReturned,
    PoolReturned,
)
from aggregates.pool.pool import Pool
from aggregates.settlement.events import (
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.settlement.settlement import Settlement
from aggregates.topics import Event

WAYS: dict[type[Event], tuple[str, int]] = {
    Credited: ("came_in_fen", 1),
    Corrected: ("came_in_fen", 1),
    Debited: ("owed_fen", 1),
    DebitReturned: ("owed_fen", -1),
    PremiumDebited: ("premiums_fen", 1),
    PremiumReturned: ("premiums_fen", -1),
    SuspensePaidOut: ("paid_out_fen", 1),
    MovedToPool: ("moving_fen", 1),
    MovedFromPool: ("moving_fen", -1),
    PoolFunded: ("moving_fen", -1),
    PoolEmptied: ("moving_fen", 1),
    PoolDebited: ("owed_fen", 1),
    PoolReturned: ("owed_fen", -1),
    PoolPremiumDebited: ("premiums_fen", 1),
    PoolPremiumReturned: ("premiums_fen", -1),
}
"""The place outside the account or pool that an event moves money to, and the sign."""

BUCKETED = (Debited, DebitReturned, PremiumDebited, PremiumReturned, MovedToPool)
SUMMED = (
    Credited,
    Corrected,
    SuspensePaidOut,
    MovedFromPool,
    PoolFunded,
    PoolEmptied,
    PoolDebited,
    PoolReturned,
    PoolPremiumDebited,
    PoolPremiumReturned,
)


@dataclass(slots=True)
class Money:
    """The places of all money after an event, in fen.

    `owed_fen` is what accounts and pools paid for bills, less returns: owed or paid to
    institutions. `moving_fen` is between an account and a pool: zero after every command.
    `explained_fen` is the part of the bills of this partition, and `settled_fen` the same by the
    bills' own events.
    """

    accounts_fen: int = 0
    pools_fen: int = 0
    moving_fen: int = 0
    suspense_fen: int = 0
    owed_fen: int = 0
    explained_fen: int = 0
    settled_fen: int = 0
    premiums_fen: int = 0
    paid_out_fen: int = 0
    came_in_fen: int = 0

    @property
    def off_fen(self) -> int:
        """What was credited or corrected, less all places of money; zero if conserved."""
        there_fen = self.accounts_fen + self.suspense_fen + self.owed_fen
        there_fen += self.pools_fen + self.moving_fen
        return self.came_in_fen - there_fen - self.premiums_fen - self.paid_out_fen

    @property
    def unsettled_fen(self) -> int:
        """What accounts paid for bills beyond the bills' own sums; zero after every command."""
        return self.explained_fen - self.settled_fen

    def move(self, event: Event, before: Account | None, after: Account) -> None:
        """Count an event of an account."""
        self.accounts_fen += after.balance_fen
        if before is not None:
            self.accounts_fen -= before.balance_fen
            if after.suspended is not before.suspended:
                self.suspense_fen += _aside_fen(after) - _aside_fen(before)
        if isinstance(event, ReturnSuspended):
            if event.payment.startswith("stl_"):
                self.owed_fen -= event.amount_fen
            else:
                self.premiums_fen -= event.amount_fen
            return
        self._move_outside(event)

    def move_in_pool(self, event: Event, before: Pool | None, after: Pool) -> None:
        """Count an event of a family pool."""
        self.pools_fen += after.balance_fen - (before.balance_fen if before else 0)
        self._move_outside(event)

    def _move_outside(self, event: Event) -> None:
        way = WAYS.get(type(event))
        if way is not None:
            place, sign = way
            setattr(self, place, getattr(self, place) + sign * _fen(event))

    def settle(self, fen: int, *, is_mine: bool) -> None:
        """Count what accounts paid for a bill of that sum; `is_mine`: of this partition."""
        self.accounts_fen -= fen
        self.owed_fen += fen
        if is_mine:
            self.explained_fen += fen
            self.settled_fen += fen

    def bill(self, event: Event, before: Settlement | None) -> None:
        """Count what accounts paid or got back by a bill's own event."""
        if isinstance(event, Settled):
            self.settled_fen += event.own_fen + event.aid_fen
        elif isinstance(event, PartRefunded):
            self.settled_fen -= event.own_fen + event.aid_fen
        elif isinstance(event, SettlementCancelled | SettlementReversed) and before is not None:
            stay = before.stay
            self.settled_fen -= stay.own_fen + stay.aid_fen if stay is not None else 0


def _aside_fen(account: Account) -> int:
    return sum(payment.amount_fen for payment in account.suspended)


def _fen(event: Event) -> int:
    if isinstance(event, BUCKETED):
        return event.current_fen + event.prior_fen
    assert isinstance(event, SUMMED), "an event of `WAYS`"
    return event.amount_fen
