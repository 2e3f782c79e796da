"""Examples of what is answered of consent."""

from typing import Any

from service.binding.consents import look_at_text

VERSION = "aid-2026-01"
CONSENTS = {
    "sponsor": {"text": VERSION, "at": "2026-03-01T09:00:00.000+08:00", "channel": "http"},
    "beneficiary": {"text": VERSION, "at": "2026-03-01T12:30:00.000+08:00", "channel": "http"},
}
CONSENT_EXAMPLES: dict[str, dict[str, Any]] = {"ConsentTextReply": look_at_text(VERSION)}
