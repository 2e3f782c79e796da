"""Consent of both sides: the texts that persons are shown, and the consents recorded.

A text has a version and is never edited, so an event with the version proves what was read
(policy.md §6.1, PIPL art. 29).
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from aggregates.binding.events import BindingConfirmed, InvitationSent
from aggregates.refusals import ConsentUnknownError, UnknownError
from aggregates.vocabulary import StreamId
from service.clock import rfc3339
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.serializers import moment


class ConsentTexts(NamedTuple):
    """A text in Chinese and in English."""

    zh: str
    en: str


class ConsentText(NamedTuple):
    """What each side of a binding agrees to."""

    sponsor: ConsentTexts
    beneficiary: ConsentTexts


FILE = Path(__file__).with_suffix(".toml")
TEXTS: dict[str, ConsentText] = TypeAdapter(dict[str, ConsentText]).validate_python(
    tomllib.loads(FILE.read_text(encoding="utf-8"))
)
"""The texts by version, oldest first."""


def check_consent(version: str | None) -> None:
    """Check that a version exists; None is a consent that the channel records itself.

    Raises:
        ConsentUnknownError: there is no such version.
    """
    if version is not None and version not in TEXTS:
        raise ConsentUnknownError(consent=version)


def look_at_texts() -> list[dict[str, Any]]:
    """Every version, oldest first."""
    return [look_at_text(version) for version in TEXTS]


def look_at_text(version: str) -> dict[str, Any]:
    """One version: what each side agrees to, in both languages.

    Raises:
        UnknownError: there is none.
    """
    if version not in TEXTS:
        raise UnknownError
    text = TEXTS[version]
    return {
        "version": version,
        "sponsor": {"zh-CN": text.sponsor.zh, "en": text.sponsor.en},
        "beneficiary": {"zh-CN": text.beneficiary.zh, "en": text.beneficiary.en},
    }


async def consents_of(context: ServiceContext, binding_id: StreamId) -> dict[str, Any]:
    """By side: the text's version, the time of the consent, and the channel.

    None if no version was sent, or the side has not agreed.
    """
    return on_record(await context.store.history(binding_id))


def on_record(history: Sequence[Recorded]) -> dict[str, Any]:
    """Both consents in a binding's events, oldest first.

    A binding confirmed elsewhere is recorded after both sides agreed: there the time of the
    confirmation is the sponsor's too.
    """
    by_side: dict[str, Any] = {"sponsor": None, "beneficiary": None}
    for recorded in history:
        match recorded.event:
            case InvitationSent(consent=str(text)):
                at = rfc3339(recorded.recorded_at)
                by_side["sponsor"] = _consent(text, at, recorded)
            case BindingConfirmed(consent=consent, confirmed_at=confirmed_at):
                at = moment(confirmed_at)
                if by_side["sponsor"] is not None:
                    by_side["sponsor"]["at"] = min(by_side["sponsor"]["at"], at)
                if consent is not None:
                    by_side["beneficiary"] = _consent(consent, at, recorded)
            case _:
                pass
    return by_side


def _consent(text: str, at: str, recorded: Recorded) -> dict[str, str]:
    return {"text": text, "at": at, "channel": recorded.act.channel}
