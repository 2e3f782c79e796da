"""The consent texts that persons are shown."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.binding.responses import BindingReply
from api.http.dependencies import CallerOf
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from service.binding import consents


class WordingReply(ApiModel):
    """A text in Chinese and in English."""

    zh: str = Field(alias="zh-CN")
    en: str


class ConsentTextReply(ApiModel):
    """One version of the texts that both sides agree to; it is never edited."""

    version: str
    sponsor: WordingReply
    beneficiary: WordingReply


class ConsentReply(ApiModel):
    """One side's consent: the text's version, the time, and the channel."""

    text: str
    at: str
    channel: str


class ConsentsReply(ApiModel):
    """Both sides' consents; null if no version was sent, or the side has not agreed."""

    sponsor: ConsentReply | None
    beneficiary: ConsentReply | None


class BindingWithConsentsReply(BindingReply):
    """A binding with both sides' consents."""

    consents: ConsentsReply


router = APIRouter(prefix="/v1/consents", tags=["bindings"])


@router.get("", response_model=list[ConsentTextReply], responses=problems())
async def list_consent_texts(_: CallerOf) -> Response:
    """Every version of what both sides of a binding agree to, oldest first."""
    return json_answer(consents.look_at_texts())


@router.get("/{version}", response_model=ConsentTextReply, responses=problems(404))
async def look_at_consent_text(_: CallerOf, version: str) -> Response:
    """One version of what both sides of a binding agree to."""
    return json_answer(consents.look_at_text(version))
