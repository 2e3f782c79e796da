"""The reply of the event feed, and its example."""

from typing import Any

from api.http.schemas import ApiModel
from api.settlement.examples import SETTLED_AT, SETTLEMENT_ID


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


EVENT_EXAMPLE: dict[str, Any] = {
    "position": 1232,
    "stream": "acc_019c2f4a77b07c1184a2b3c4d5e6f708",
    "version": 3,
    "topic": "account.debited/1",
    "recorded_at": SETTLED_AT,
    "actor": "institution:H99000000001",
    "channel": "http",
    "on_behalf_of": None,
    "event": {
        "settlement": SETTLEMENT_ID,
        "binding": None,
        "current_fen": 2000,
        "prior_fen": 0,
        "on": "2026-03-02",
    },
}
