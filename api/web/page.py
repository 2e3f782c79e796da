"""The frame of a plain page: no script, nothing from elsewhere, readable on a phone."""

from collections.abc import Mapping

from fastapi import Response
from fastapi.responses import HTMLResponse

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
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def page_of(title: str, body: str, headers: Mapping[str, str] | None = None) -> Response:
    """A page with this HTML in its middle."""
    told = {"Content-Security-Policy": POLICY} | dict(headers or {})
    return HTMLResponse(HEAD.format(title=title, style=STYLE) + body + TAIL, headers=told)
