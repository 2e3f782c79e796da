"""A client of the Gongji service: settlements under one key, lost answers, errors, pages."""

from gongji_client.clients import AsyncClient, Client
from gongji_client.errors import (
    Denied,
    GongjiError,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
    Unknown,
)
from gongji_client.exchange import Retries
from gongji_client.money import fen, yuan
from gongji_client.webhooks import WebhookError, verify_webhook

__all__ = [
    "AsyncClient",
    "Client",
    "Denied",
    "GongjiError",
    "Invalid",
    "NotFound",
    "Refused",
    "Retries",
    "Unavailable",
    "Unknown",
    "WebhookError",
    "fen",
    "verify_webhook",
    "yuan",
]
