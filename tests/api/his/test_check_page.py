"""The page at `/docs/fsi/check` tells what the API tells, under the API's rights and limits."""

import json
from html.parser import HTMLParser

import httpx
from typing_extensions import override

from api.his.check_page.page import POLICY, TOLD
from api.http.limits.rate_limits import Buckets
from tests.api.audit.test_accesses import kept
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    PHARMACY,
    Desk,
    Who,
    a_person,
)
from tests.api.his.client import ENTRANCE
from tests.api.his.desks import a_hospital
from tests.api.his.test_fsi_check import WHO, a_book, with_data

PATH = "/docs/fsi/check"
FORM = {"content-type": "application/x-www-form-urlencoded"}
VOID = {"meta", "input"}
CELLS = {"tr", "th", "td"}
"""Elements whose ends one of our two ways to write tables leaves out."""
TRICK = '"><b>x'
"""A code that would be markup if it were not escaped."""


class Page(HTMLParser):
    """What a reader of the page needs, and what lies where it may not."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.labels: set[str] = set()
        self.inputs: dict[str, dict[str, str | None]] = {}
        self.form: dict[str, str | None] = {}
        self.alerts = 0
        self.wrong: list[str] = []
        self.feed(text)
        assert [] == self.open

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.alerts += told.get("role") == "alert"
        if tag == "label":
            self.labels.add(told["for"] or "")
        if tag == "input":
            self.inputs[told["id"] or ""] = told
        if tag == "form":
            self.form = told
        if tag == "table" and self.open[-1] != "div":
            self.wrong.append("a table outside of a box that scrolls")
        if tag in {"script", "img", "link", "iframe", "b"} or "style" in told or "src" in told:
            self.wrong.append(tag)
        if tag not in VOID | CELLS:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag not in CELLS and self.open.pop() != tag:
            self.wrong.append(f"{tag} ends in another element")


def token_of(desk: Desk, who: Who) -> str:
    return desk.bearer(who)["Authorization"].removeprefix("Bearer ")


async def asked(
    desk: Desk, who: Who | str, code: str = HOSPITAL.subject, since: str = "", **headers: str
) -> httpx.Response:
    """Fill in the form, with a caller's token or a word in its place."""
    token = who if isinstance(who, str) else token_of(desk, who)
    form = {"code": code, "since": since, "token": token}
    return await desk.front.post(PATH, data=form, headers=headers)


def is_told(answer: httpx.Response, verdict: str) -> bool:
    return f'<p class="told {verdict}"' in answer.text and TOLD[verdict][0] in answer.text


async def with_a_fault(desk: Desk) -> None:
    his = await a_book(desk)
    for change in (with_data(his_version="7"), with_data(begntime="soon")):
        await his.wire(ENTRANCE, {}, change(his.envelope("1101", {"data": WHO}, his.msgid())))


async def test_the_empty_page_is_a_form(desk: Desk) -> None:
    """It needs no script, its labels have inputs, and no part of the form is in an address."""
    answer = await desk.front.get(PATH, params={"code": "H1", "token": "t0ken"})
    page = Page(answer.text)

    assert (200, [], 0) == (answer.status_code, page.wrong, page.alerts)
    assert ("post", PATH) == (page.form["method"], page.form["action"])
    assert {"code", "since", "token"} == page.labels == set(page.inputs)
    token = page.inputs["token"]
    assert ("password", "off") == (token["type"], token["autocomplete"])
    assert "t0ken" not in answer.text
    assert f'href="{PATH}"' in (await desk.front.get("/docs/fsi")).text


async def test_the_page_tells_what_the_api_tells(desk: Desk) -> None:
    """The verdict first, then every finding of the API's answer, and the form again."""
    await with_a_fault(desk)
    answer = await asked(desk, HOSPITAL)
    told = await desk.get(HOSPITAL, f"/v1/institutions/{HOSPITAL.subject}/fsi-check")
    page = Page(answer.text)

    assert (200, []) == (answer.status_code, page.wrong)
    assert is_told(answer, "misread")
    findings = [one for area in told.json()["areas"] for one in area["findings"]]
    assert findings
    for one in findings:
        assert {True} == {one[name] in answer.text for name in ("zh", "en", "kind", "place")}
    assert answer.text.index("told misread") < answer.text.index("<table>")
    assert answer.text.index("DATE_INVALID") < answer.text.index("unknown_member")
    assert HOSPITAL.subject == page.inputs["code"]["value"]
    assert token_of(desk, HOSPITAL) not in answer.text
    for who in (AGENCY, AUDITOR):
        assert answer.text == (await asked(desk, who)).text


async def test_a_time_without_a_zone_is_beijing_s(desk: Desk) -> None:
    """The desk's messages are older than 2199; the field shows the time again."""
    await with_a_fault(desk)
    early, late = [await asked(desk, HOSPITAL, since=f"{y}-01-01T08:00") for y in (1999, 2199)]
    wrong = await asked(desk, HOSPITAL, since="soon<b>")

    assert is_told(early, "misread")
    assert is_told(late, "unseen")
    assert "2199-01-01T08:00:00" == Page(late.text).inputs["since"]["value"]
    assert (422, 1) == (wrong.status_code, Page(wrong.text).alerts)
    assert ("QUERY_INVALID" in wrong.text, "soon" in wrong.text) == (True, False)


REFUSED: tuple[tuple[Who | str, str, int, str], ...] = (
    ("", HOSPITAL.subject, 401, "UNAUTHENTICATED"),
    ("gu\u00e8ss\r\nx: y", HOSPITAL.subject, 401, "UNAUTHENTICATED"),
    (PHARMACY, HOSPITAL.subject, 404, "NOT_FOUND"),
    (AGENCY_ELSEWHERE, HOSPITAL.subject, 404, "NOT_FOUND"),
    (AUDITOR, "H404", 404, "NOT_FOUND"),
    (AUDITOR, TRICK, 404, "NOT_FOUND"),
    (AUDITOR, "../a/b?c#d", 404, "NOT_FOUND"),
    (AUDITOR, "9" * 5000, 404, "NOT_FOUND"),
    (AUDITOR, "", 422, "FIELD_REQUIRED"),
    (a_person("P1"), HOSPITAL.subject, 403, "NOT_PERMITTED"),
)


async def test_a_refusal_is_a_page(desk: Desk) -> None:
    """With the API's status; what was typed is not in it but for a short code, escaped."""
    await a_hospital(desk)
    for who, code, status, told in REFUSED:
        answer = await asked(desk, who, code)
        page = Page(answer.text)
        assert (status, 1, []) == (answer.status_code, page.alerts, page.wrong)
        assert f"<code>{told}</code>" in answer.text
        assert ("Bearer" if status == 401 else None) == answer.headers.get("www-authenticate")
        assert (code if len(code) <= 30 else "") == page.inputs["code"]["value"]
        assert "value" not in page.inputs["token"]
        typed = who if isinstance(who, str) else token_of(desk, who)
        assert not typed or typed not in answer.text


async def test_every_answer_is_kept_nowhere_and_runs_nothing(desk: Desk) -> None:
    """No cache keeps a page, and nothing is loaded, of a refusal too."""
    await a_hospital(desk)
    answers = [await desk.front.get(PATH), await asked(desk, HOSPITAL), await asked(desk, "")]
    answers += [await desk.front.post(PATH, content=b"{}"), await asked(desk, "x" * 20_000)]

    assert [200, 200, 401, 415, 413] == [answer.status_code for answer in answers]
    for answer in answers:
        headers = answer.headers
        assert (POLICY, "no-store") == (
            headers["content-security-policy"],
            headers["cache-control"],
        )
        assert "nosniff" == headers["x-content-type-options"]
        assert "text/html; charset=utf-8" == headers["content-type"]


async def test_another_site_s_form_is_refused(desk: Desk) -> None:
    """Whatever its token; a browser's own page, and a program without a browser, are not."""
    await a_hospital(desk)
    ours = [{"origin": "http://desk"}, {"sec-fetch-site": "same-origin", "origin": "https://x"}, {}]
    others = [{"origin": origin} for origin in ("http://evil", "http://desk:1", "null", "http://[")]
    others += [{"sec-fetch-site": site} for site in ("cross-site", "same-site")]

    for headers in ours:
        assert 200 == (await asked(desk, HOSPITAL, **headers)).status_code
    for headers in others:
        answer = await asked(desk, HOSPITAL, **headers)
        assert (403, 1) == (answer.status_code, Page(answer.text).alerts)
        assert HOSPITAL.subject not in answer.text


async def test_other_bodies_and_methods(desk: Desk) -> None:
    """A national message is told -1, as everywhere; other methods are told what is allowed."""
    raw = json.dumps({"infno": "1101", "msgid": "1"}).encode()
    for kind in ({"content-type": "application/json"}, FORM):
        message = await desk.front.post(PATH, content=raw, headers=kind)
        assert (200, -1) == (message.status_code, message.json()["infcode"])
    bodies = (b"code=a&code=b", b"code=%ff", b"&".join(b"a%d=1" % n for n in range(20)))
    wrong = [await desk.front.post(PATH, content=body, headers=FORM) for body in bodies]
    head = await desk.front.head(PATH)
    packed = await desk.front.post(PATH, content=b"x", headers=FORM | {"content-encoding": "gzip"})

    assert [422] * 3 == [answer.status_code for answer in wrong]
    assert 415 == packed.status_code
    assert (405, (await desk.front.head("/docs/fsi")).status_code) == (head.status_code, 405)
    assert 405 == (await desk.front.put(PATH, content=b"x")).status_code


async def test_the_access_log_has_the_api_s_lines(desk: Desk) -> None:
    """The same lines as two requests to the API itself, and nothing of the form."""
    await with_a_fault(desk)
    path = f"/v1/institutions/{HOSPITAL.subject}/fsi-check"
    for who in (HOSPITAL, PHARMACY):
        await asked(desk, who, **{"Gongji-Purpose": "care"})
        await desk.get(who, path, **{"Gongji-Purpose": "care"})
    await asked(desk, "guess")
    lines = [
        (one.caller, one.status, one.operation, one.code, one.purpose, one.streams)
        for one in await kept(desk)
        if "fsi-check" in one.operation or "docs" in one.operation
    ]

    assert 4 == len(lines)
    assert 2 == len(set(lines))
    assert {"care"} == {line[4] for line in lines}


async def test_misses_and_failures_are_limited_together_with_the_api_s(desk: Desk) -> None:
    """What the page uses up is missing at the API, and the page is told to wait as the API is."""
    await a_hospital(desk)
    path = f"/v1/institutions/{HOSPITAL.subject}/fsi-check"
    desk.limits.callers, desk.limits.addresses = Buckets(2), Buckets(2)
    missed = [await asked(desk, PHARMACY) for _ in range(3)][-1]
    failed = [await asked(desk, "guess") for _ in range(3)][-1]

    assert (429, 429) == (missed.status_code, failed.status_code)
    assert int(missed.headers["retry-after"]) > 0
    assert 429 == (await desk.get(PHARMACY, path)).status_code
    assert 429 == (await desk.front.get(path)).status_code
    assert 200 == (await asked(desk, HOSPITAL)).status_code
