"""The refusals of family pools. Amounts in their fields are the owner's own, in yuan."""

from aggregates.refusals import RuleRefusedError


class PoolNotOfferedError(RuleRefusedError):
    """The region has no family pools: accounts pay on demand."""


class PoolExistsError(RuleRefusedError):
    """The owner has a pool: `pool_id`."""


class PoolFloorError(RuleRefusedError):
    """The account would fall below the region's floor; `transferable` may be moved."""


class PoolTransferTooSmallError(RuleRefusedError):
    """The region accepts no transfer below `minimum`."""


class PoolTransferLimitError(RuleRefusedError):
    """The region's number of transfers a month is used up; the next is possible on `next_on`."""


class PoolHasMembersError(RuleRefusedError):
    """Relatives are bound: the pool's money is theirs to spend until the bindings end."""
