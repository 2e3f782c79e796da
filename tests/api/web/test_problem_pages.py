"""The catalogue of problems: each code has a page that says what happened and what to do."""

import re

import pytest

from api.http.texts import PROBLEM_TEXTS
from tests.api.clients import AGENCY, HOSPITAL, Desk, a_claim, a_family
from tests.api.web.test_docs_page import a_browser

JSON = {"Accept": "application/json"}


async def test_every_problem_has_a_page_in_both_languages() -> None:
    """The list leads to a page of each code, with its texts and its outcome."""
    async with a_browser() as browser:
        listed = await browser.get("/problems")
        links = re.findall(r'href="(/problems/[a-z0-9-]+)"', listed.text)
        pages = [await browser.get(link) for link in links]

    assert len(PROBLEM_TEXTS) == len(links)
    for page, (code, text) in zip(pages, PROBLEM_TEXTS.items(), strict=True):
        told = page.text.replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&")
        assert (200, True) == (page.status_code, f"<h1>{code}</h1>" in told)
        assert text.zh in told
        assert text.en in told
        assert "怎么办" in told
        assert "<script" not in told


async def test_the_address_in_a_problem_leads_to_its_page(desk: Desk) -> None:
    """`type` of a real answer is an address of this service."""
    problem = (await desk.get(AGENCY, "/v1/accounts/nobody")).json()
    page = await desk.get(AGENCY, problem["type"])

    assert (200, True) == (page.status_code, "NOT_FOUND" in page.text)


@pytest.mark.parametrize("name", ["nothing", "NOT_FOUND", "not_found", "..%2fdocs", "%3Cscript%3E"])
async def test_no_other_name_has_a_page(name: str) -> None:
    """What is no code is not found, and nothing of it comes back."""
    async with a_browser() as browser:
        page = await browser.get(f"/problems/{name}")

    assert 404 == page.status_code
    assert "script" not in page.text


async def test_a_program_reads_whether_a_key_is_used_up(desk: Desk) -> None:
    """`key_used` is what the service does: a rule's refusal repeats, and another is free again."""
    await a_family(desk)
    await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "first")
    cases = [(a_claim(), "DUPLICATE_CLAIM"), (a_claim(total="1"), "AMOUNT_FORMAT")]
    for claim, code in cases:
        refused = (await desk.post(HOSPITAL, "/v1/settlements", claim, code)).json()
        other = a_claim(visit=f"another {code}")
        again = await desk.post(HOSPITAL, "/v1/settlements", other, code)
        entry = (await desk.send("GET", AGENCY, refused["type"], b"", JSON)).json()

        is_used = again.json().get("code") == "IDEMPOTENCY_KEY_REUSED"
        assert (code, is_used) == (entry["code"], entry["key_used"])
        assert ("not_applied", refused["status"]) == (entry["outcome"], entry["status"])
        assert {"zh-CN", "en"} == entry["advice"].keys()
