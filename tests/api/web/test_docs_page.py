"""The readable documents: kept here whole, with their licence."""

import hashlib
import re
from pathlib import Path

import httpx

from api.app import plain_app
from api.web.docs_page import FOLDER


def a_browser() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=plain_app())
    return httpx.AsyncClient(transport=transport, base_url="http://documents")


async def test_the_page_asks_nobody_else() -> None:
    """Everything that the page loads is served here, and its policy forbids the rest."""
    async with a_browser() as browser:
        page = await browser.get("/docs")
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        answers = [await browser.get(f"/{name}") for name in loaded]
        document = await browser.get("/openapi.json")

    assert len(loaded) == 4
    assert [200] * 4 == [answer.status_code for answer in answers]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert document.json()["openapi"].startswith("3.1")


async def test_nothing_else_is_served_beside_it() -> None:
    """A name that is no file of the page is not found."""
    async with a_browser() as browser:
        strangers = [await browser.get(f"/docs/{n}") for n in ("LICENSE", "..%2fdocs.py", "x")]

    assert [404, 404, 404] == [answer.status_code for answer in strangers]


def test_the_files_are_those_that_were_taken_over() -> None:
    """Vendored files have the recorded digests, and their licence is beside them."""
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {path.name: _digest(path) for path in FOLDER.iterdir() if path.name != "SHA256SUMS"}

    assert recorded == found
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"} <= set(found)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
