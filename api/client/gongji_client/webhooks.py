"""Signatures of webhooks as Standard Webhooks has them (standardwebhooks.com, symmetric, v1)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

SECRET_PREFIX = "whsec_"  # noqa: S105 -- the form of a secret, none itself
VERSION_PREFIX = "v1,"
TOLERANCE_S = 300


class WebhookError(ValueError):
    """The message is not to be trusted; the text says why and holds nothing of it."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, now: int, tolerance_s: int = TOLERANCE_S
) -> str:
    """Check who sent a message and when; return its id, which a repeated message has again.

    `secret` is `whsec_` and base64, `now` seconds since 1970, `body` the bytes as they came.
    One of several signatures is enough, so that a secret can be changed without a gap.

    Raises:
        WebhookError: a header is missing, the time is too far from `now`, or nobody who knows
            the secret signed these bytes.
    """
    told = {name.lower(): text for name, text in headers.items()}
    try:
        message_id = told["webhook-id"]
        stamp = told["webhook-timestamp"]
        signatures = told["webhook-signature"].split(" ")
    except KeyError as missing:
        raise WebhookError(f"the header {missing.args[0]} is missing") from None
    if not (stamp.isascii() and stamp.isdecimal()):
        raise WebhookError("the timestamp is not in whole seconds")
    if len(stamp) > len(str(now)) + 1 or abs(now - int(stamp)) > tolerance_s:
        raise WebhookError("the timestamp is too far from now")
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    expected = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256))
    candidates = [
        each.removeprefix(VERSION_PREFIX) for each in signatures if each.startswith(VERSION_PREFIX)
    ]
    if not any([hmac.compare_digest(expected, each.encode()) for each in candidates]):  # noqa: C419 -- all are compared
        raise WebhookError("no signature holds")
    return message_id


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise WebhookError("the secret is not whsec_ and base64") from None
    if not key:
        raise WebhookError("the secret is empty")
    return key
