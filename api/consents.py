"""The texts of consent, for whoever shows them to a person."""

from fastapi import APIRouter, Response

from api.consent_replies import ConsentTextReply
from api.documents import problems
from api.door import CallerOf, answer_plain
from service.binding import consents

router = APIRouter(prefix="/v1/consents", tags=["bindings"])


@router.get("", response_model=list[ConsentTextReply], responses=problems())
async def list_texts(_: CallerOf) -> Response:
    """Every version of what both sides of a binding agree to, oldest first."""
    return answer_plain(consents.look_at_texts())


@router.get("/{version}", response_model=ConsentTextReply, responses=problems(404))
async def look_at_text(_: CallerOf, version: str) -> Response:
    """One version of what both sides of a binding agree to."""
    return answer_plain(consents.look_at_text(version))
