"""The catalogue of problems at `/problems`, and a page for each: `type` of a problem leads here."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.web.page import page_of
from api.web.problem_catalogue import Entry, catalogue

router = APIRouter(include_in_schema=False)

VARY = {"Vary": "Accept"}
OUTCOMES = {
    "not_applied": ("未发生任何变更。", "Nothing was applied."),
    "unknown": ("可能已办理。", "The change may have been applied."),
}


@router.get("/problems")
async def read_catalogue(request: Request) -> Response:
    """Every problem in one list; JSON for a client that asks for it."""
    entries = catalogue().values()
    if _wants_json(request):
        return JSONResponse({"items": [_told(entry) for entry in entries]}, headers=VARY)
    told = "".join(
        f'<dt><a href="/problems/{entry.name}">{entry.code}</a> {entry.text.status}'
        f'<dd>{escape(entry.text.zh)}<dd lang="en">{escape(entry.text.en)}'
        for entry in entries
    )
    title = "错误代码"
    return page_of(title, f'<h1>{title} <span lang="en">Problems</span></h1><dl>{told}</dl>', VARY)


@router.get("/problems/{name}")
async def read_problem(request: Request, name: str) -> Response:
    """A problem: what happened, whether anything was applied, and what to do."""
    entry = catalogue().get(name)
    if entry is None:
        raise HTTPException(404)
    if _wants_json(request):
        return JSONResponse(_told(entry), headers=VARY)
    zh, en = OUTCOMES[entry.outcome]
    facts = [
        ("发生了什么", "What happened", entry.text.zh, entry.text.en),
        ("结果", "Outcome", f"{zh}({entry.outcome})", en),
        ("怎么办", "What to do", entry.advice.zh, entry.advice.en),
    ]
    told = "".join(
        f'<dt>{title} <span lang="en">{english}</span><dd>{escape(zh)}<dd lang="en">{escape(en)}'
        for title, english, zh, en in facts
    )
    back = '<nav><a href="/problems">全部错误代码 <span lang="en">All problems</span></a></nav>'
    heading = f"<h1>{entry.code}</h1><p>HTTP {entry.text.status}</p>"
    return page_of(entry.code, f"{heading}<dl>{told}</dl>{back}", VARY)


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "code": entry.code,
        "status": entry.text.status,
        "outcome": entry.outcome,
        "key_used": entry.is_key_used,
        "detail": {"zh-CN": entry.text.zh, "en": entry.text.en},
        "advice": {"zh-CN": entry.advice.zh, "en": entry.advice.en},
    }


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "json" in accepted and "text/html" not in accepted
