"""Texts in Chinese and in English."""

from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    """What a reader reads; the value is the language tag."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Bilingual(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str

    def to(self, language: Language) -> str:
        """The text in a reader's language."""
        return self.en if language is Language.ENGLISH else self.zh
