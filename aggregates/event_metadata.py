"""The metadata stored with every event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did it, on whose behalf, through which channel, under which idempotency key."""

    actor: str
    on_behalf_of: str | None
    channel: str
    key_digest: str
