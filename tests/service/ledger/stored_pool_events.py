"""One event of every topic of a family pool's life, as `tests/samples/events` holds it."""

from datetime import date, timedelta

from aggregates.account.events import FamilyPoolOpened, MovedFromPool, MovedToPool
from aggregates.pool.events import (
    PoolDebited,
    PoolEmptied,
    PoolFunded,
    PoolHeld,
    PoolHoldReleased,
    PoolOpened,
    PoolPremiumDebited,
    PoolPremiumReturned,
    PoolReturned,
)
from aggregates.topics import Event
from aggregates.vocabulary import HoldEnd, StreamId
from tests.service.ledger.stored_parts import AT, BINDING, ON, SPONSOR, STL

POOL = StreamId("fpl_0000000000000000000000000000000c")
HOLD = StreamId("hld_00000000000000000000000000000008")
PREMIUM = StreamId("prm_00000000000000000000000000000009")

POOL_EVENTS: dict[str, Event] = {
    "account.family-pool-opened/1": FamilyPoolOpened(pool=POOL),
    "account.moved-to-pool/1": MovedToPool(pool=POOL, current_fen=20000, prior_fen=30000, on=ON),
    "account.moved-from-pool/1": MovedFromPool(pool=POOL, amount_fen=45000, on=ON),
    "pool.opened/1": PoolOpened(owner=SPONSOR, on=ON),
    "pool.funded/1": PoolFunded(account=SPONSOR, amount_fen=50000, on=ON),
    "pool.debited/1": PoolDebited(settlement=STL, binding=BINDING, amount_fen=4025, on=ON),
    "pool.returned/1": PoolReturned(
        settlement=STL,
        binding=BINDING,
        amount_fen=2000,
        on=ON,
        returned_on=date(2027, 1, 2),
    ),
    "pool.held/1": PoolHeld(
        hold=HOLD,
        binding=BINDING,
        amount_fen=4025,
        on=ON,
        expires_at=AT + timedelta(minutes=15),
    ),
    "pool.hold-released/1": PoolHoldReleased(hold=HOLD, why=HoldEnd.CAPTURED),
    "pool.premium-debited/1": PoolPremiumDebited(
        premium=PREMIUM, binding=BINDING, amount_fen=40000
    ),
    "pool.premium-returned/1": PoolPremiumReturned(
        premium=PREMIUM, binding=BINDING, amount_fen=40000
    ),
    "pool.emptied/1": PoolEmptied(account=SPONSOR, amount_fen=45000, on=ON),
}
