"""Texts in Chinese and in English."""

from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    """A reader's language; the value is its tag."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Bilingual(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str

    def to(self, language: Language) -> str:
        """The text in a reader's language."""
        return self.en if language is Language.ENGLISH else self.zh

    def format(self, **values: "str | Bilingual | None") -> "Bilingual":
        """Fill the placeholders of both texts; a bilingual value fills each in its language."""
        pairs = {n: v if isinstance(v, Bilingual) else (v, v) for n, v in values.items()}
        return Bilingual(
            self.zh.format_map({name: zh for name, (zh, _) in pairs.items()}),
            self.en.format_map({name: en for name, (_, en) in pairs.items()}),
        )
