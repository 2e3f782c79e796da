"""What is answered of consent: the texts, and who agreed to which of them."""

from pydantic import Field

from api.replies import BindingReply
from api.reply_parts import Reply


class WordingReply(Reply):
    """A text in Chinese and in English."""

    zh: str = Field(alias="zh-CN")
    en: str


class ConsentTextReply(Reply):
    """A version of what each side of a binding agrees to; it is never edited."""

    version: str
    sponsor: WordingReply
    beneficiary: WordingReply


class ConsentReply(Reply):
    """One side's consent: the version of the text, when, and by which channel."""

    text: str
    at: str
    channel: str


class ConsentsReply(Reply):
    """The consent of both sides; null where no version was named, or nobody said yes yet."""

    sponsor: ConsentReply | None
    beneficiary: ConsentReply | None


class BindingWithConsentsReply(BindingReply):
    """A binding, and what both sides agreed to."""

    consents: ConsentsReply
