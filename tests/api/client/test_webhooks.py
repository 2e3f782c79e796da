"""Signatures of webhooks: the published example holds, and nothing else does."""

import pytest

from gongji_client import WebhookError, verify_webhook

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
BODY = b'{"event_type":"ping","data":{"success":true}}'
SIGNATURE = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
NOW = 1731705121
HEADERS = {
    "Webhook-Id": "msg_loFOjxBNrRLzqYUf",
    "Webhook-Timestamp": str(NOW),
    "Webhook-Signature": SIGNATURE,
}
"""The example of the Standard Webhooks specification."""


def test_the_published_example_holds() -> None:
    """Its answer is the message's id; letter case of header names does not matter."""
    lower = {name.lower(): text for name, text in HEADERS.items()}

    assert "msg_loFOjxBNrRLzqYUf" == verify_webhook(SECRET, HEADERS, BODY, NOW)
    assert "msg_loFOjxBNrRLzqYUf" == verify_webhook(SECRET, lower, BODY, NOW)


@pytest.mark.parametrize("others", ["v1,AAAA {} v1a,x", "v1,é {}", "v2,x {}"])
def test_one_of_several_signatures_is_enough(others: str) -> None:
    """While a secret is changed, both sign."""
    verify_webhook(SECRET, HEADERS | {"Webhook-Signature": others.format(SIGNATURE)}, BODY, NOW)


@pytest.mark.parametrize("late_s", [-300, 300])
def test_the_time_may_differ_by_five_minutes(late_s: int) -> None:
    """And by no second more."""
    verify_webhook(SECRET, HEADERS, BODY, NOW + late_s)
    with pytest.raises(WebhookError, match="too far"):
        verify_webhook(SECRET, HEADERS, BODY, NOW + late_s + late_s // 300)


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, BODY + b" "),
        ({"Webhook-Id": "msg_other"}, BODY),
        ({"Webhook-Timestamp": str(NOW + 1)}, BODY),
        ({"Webhook-Timestamp": f"{NOW}.0"}, BODY),
        ({"Webhook-Timestamp": "9" * 5000}, BODY),
        ({"Webhook-Signature": SIGNATURE.replace("v1,", "v1a,")}, BODY),
        ({"Webhook-Signature": SIGNATURE.replace("v1,", "")}, BODY),
        ({"Webhook-Signature": ""}, BODY),
    ],
)
def test_anything_changed_is_refused(changes: dict[str, str], body: bytes) -> None:
    """The id, the time, the body and the kind of signature are all signed or asked for."""
    with pytest.raises(WebhookError):
        verify_webhook(SECRET, HEADERS | changes, body, NOW)


@pytest.mark.parametrize("missing", HEADERS)
def test_a_missing_header_is_refused(missing: str) -> None:
    """Without one of the three nothing can be checked."""
    rest = {name: text for name, text in HEADERS.items() if name != missing}
    with pytest.raises(WebhookError, match=missing.lower()):
        verify_webhook(SECRET, rest, BODY, NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_***", "whsec_AAAA"])
def test_another_secret_is_refused(secret: str) -> None:
    """Also one that is empty or no base64."""
    with pytest.raises(WebhookError):
        verify_webhook(secret, HEADERS, BODY, NOW)
