"""Consent texts are never edited once they were shown."""

import hashlib
from itertools import chain

from pydantic_core import to_json

from service.binding.consents import TEXTS, look_at_text

DIGESTS = {
    "aid-2026-01": "012a191d0edd579ce9e1990da708b74b8adb3ceacc6b7f9091f3658e7f2773f1",
}
"""SHA-256 of every version as it is served, oldest first. Add, never edit."""


def digest_of(version: str) -> str:
    return hashlib.sha256(to_json(look_at_text(version))).hexdigest()


def test_a_text_is_never_edited() -> None:
    """Every version ever shipped is there unchanged, and no other."""
    assert list(DIGESTS.items()) == [(version, digest_of(version)) for version in TEXTS]


def test_each_side_reads_a_text_of_its_own_in_two_languages() -> None:
    """Each text is one line, in Chinese and English, and differs from all others."""
    texts = list(chain.from_iterable((t.sponsor, t.beneficiary) for t in TEXTS.values()))

    assert len({*texts}) == len(texts)
    for text in texts:
        assert text.zh.endswith("。")
        assert text.en.endswith(".")
        assert text.en.isascii()
        assert not any(line != line.strip() or "\n" in line for line in text)
