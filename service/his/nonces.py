"""Used nonces of signed requests, stored for twice the allowed clock difference."""

import asyncpg
from asyncpg import Pool

LIFETIME_S = 1800
SWEEP_EVERY = 1000
"""Old nonces are deleted after this many uses."""
TAKE = (
    "INSERT INTO fsi_nonces (caller, nonce) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
)
SWEEP = "DELETE FROM fsi_nonces WHERE seen_at < now() - make_interval(secs => $1)"


class NonceGuardError(Exception):
    """The table cannot be read: whether a nonce was used is unknown, and the caller must retry."""


class Nonces:
    """The table of used nonces; all processes of a deployment share it."""

    def __init__(self, pool: Pool | None) -> None:
        self._pool = pool
        self._taken = 0

    async def take(self, caller: str, nonce: str) -> bool:
        """Use up a caller's nonce; False if it was used before.

        Raises:
            NonceGuardError: the table cannot be read.
        """
        if self._pool is None:
            raise NonceGuardError
        try:
            fresh = await self._pool.fetchval(TAKE, caller, nonce)
            self._taken += 1
            if self._taken % SWEEP_EVERY == 0:
                await self._pool.execute(SWEEP, LIFETIME_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NonceGuardError from error
        return bool(fresh)
