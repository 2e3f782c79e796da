"""The start page leads to every place that a person may look at."""

import re

from tests.api.clients import AGENCY, Desk


async def test_the_start_page_leads_everywhere(desk: Desk) -> None:
    """What it names is there, and it says what this is in both languages, without a script."""
    page = await desk.send("GET", AGENCY, "/", b"")
    links = re.findall(r'href="([^"]+)"', page.text)
    found = [(await desk.send("GET", AGENCY, link, b"")).status_code for link in links]

    assert 200 == page.status_code
    assert ["/docs", "/docs/fsi", "/docs/fsi/check", "/problems", "/readyz"] == links
    assert [200] * 4 == found[:4]
    assert "先用患者本人账户" in page.text
    assert "the patient's own" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
