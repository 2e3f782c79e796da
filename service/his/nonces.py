"""Nonces of signed requests, each taken once, kept with the money for twice the clock's window."""

import asyncpg
from asyncpg import Pool

KEPT_S = 1800
SWEEP_EVERY = 1000
"""After so many taken nonces the old ones are thrown away."""
TAKE = (
    "INSERT INTO fsi_nonces (caller, nonce) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
)
SWEEP = "DELETE FROM fsi_nonces WHERE seen_at < now() - make_interval(secs => $1)"


class NonceGuardError(Exception):
    """Nobody can say whether this nonce was used before: refuse, and let the caller come again."""


class Nonces:
    """The ledger's own table of nonces; every process of a deployment shares it."""

    def __init__(self, pool: Pool | None) -> None:
        """Keep them where this pool leads."""
        self._pool = pool
        self._taken = 0

    async def take(self, caller: str, nonce: str) -> bool:
        """Take a caller's nonce; False where it was taken before.

        Raises:
            NonceGuardError: the table cannot be asked.
        """
        if self._pool is None:
            raise NonceGuardError
        try:
            fresh = await self._pool.fetchval(TAKE, caller, nonce)
            self._taken += 1
            if self._taken % SWEEP_EVERY == 0:
                await self._pool.execute(SWEEP, KEPT_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NonceGuardError from error
        return bool(fresh)
