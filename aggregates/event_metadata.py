"""What is kept beside every event: who did what, for whom, under which key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did it, for whom, by which door, under which key. Kept beside every event."""

    actor: str
    on_behalf_of: str | None
    channel: str
    key_digest: str
