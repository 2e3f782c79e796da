"""The catalogue of problems at `/problems`, and a page for each: `type` of a problem leads here."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from api.web.problem_catalogue import Entry, catalogue

router = APIRouter(include_in_schema=False)

STYLE = """body{font:18px/1.6 sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;
overflow-wrap:anywhere}
dt{font-weight:bold;margin-top:.8rem}dd{margin:0}
a{color:#064;display:inline-block;padding:.5rem 0}"""
HEAD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Gongji 共济</title><style>{style}</style></head><body><main>
"""
TAIL = "</main></body></html>\n"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Vary": "Accept",
}
OUTCOMES = {
    "not_applied": ("未发生任何变更。", "Nothing was applied."),
    "unknown": ("可能已办理。", "The change may have been applied."),
}


@router.get("/problems")
async def read_catalogue(request: Request) -> Response:
    """Every problem in one list; JSON for a client that asks for it."""
    entries = catalogue().values()
    if _wants_json(request):
        return JSONResponse({"items": [_told(entry) for entry in entries]}, headers=HEADERS)
    told = "".join(
        f'<dt><a href="/problems/{entry.name}">{entry.code}</a> {entry.text.status}'
        f'<dd>{escape(entry.text.zh)}<dd lang="en">{escape(entry.text.en)}'
        for entry in entries
    )
    title = "错误代码"
    return _page(title, f'<h1>{title} <span lang="en">Problems</span></h1><dl>{told}</dl>')


@router.get("/problems/{name}")
async def read_problem(request: Request, name: str) -> Response:
    """A problem: what happened, whether anything was applied, and what to do."""
    entry = catalogue().get(name)
    if entry is None:
        raise HTTPException(404)
    if _wants_json(request):
        return JSONResponse(_told(entry), headers=HEADERS)
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
    return _page(entry.code, f"{heading}<dl>{told}</dl>{back}")


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


def _page(title: str, body: str) -> Response:
    return HTMLResponse(HEAD.format(title=title, style=STYLE) + body + TAIL, headers=HEADERS)
