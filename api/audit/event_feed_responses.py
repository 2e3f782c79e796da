"""The reply of the event feed, and its example."""

from typing import Any

from api.http.schemas import ApiModel


class EventReply(ApiModel):
    """One event of the log, without its sealed member. Amounts in fen."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: str
    actor: str
    channel: str
    on_behalf_of: str | None
    event: dict[str, Any]
