"""What strangers can learn: a matrix of operations and callers, about somebody and nobody.

Every kind of caller sends every operation that takes evidence or acts for somebody. A stranger
gets no code, no money and nothing to read, and the same answer about somebody as about an unknown
number. Permitted callers are answered as the contract says.
"""

import hashlib
from typing import Any, NamedTuple

import pytest

from tests.api.clients import (
    AGENCY,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_binding,
    a_claim,
    a_person,
    an_account,
    an_institution,
    untraced,
)

pytestmark = pytest.mark.thorough

CHILD_ID, GROWN_ID = "110105201505010025", "11010519491231002X"
FAR = Who(AGENCY.role, "a3", ELSEWHERE)
PRINCIPALS = {
    "self": a_person("P1"),
    "adult member": a_person("M1"),
    "child": a_person("C1"),
    "guardian registered": a_person("F1"),
    "guardian unregistered": a_person("G1"),
    "sponsor": a_person("S1"),
    "stranger": a_person("X1"),
    "no account": a_person("GHOST"),
    "foreign agency": FAR,
    "own agency": AGENCY,
    "nation": NATION,
    "institution": HOSPITAL,
    "other institution": PHARMACY,
    "auditor": AUDITOR,
    "operator": OPERATOR,
}
OUTSIDE = (
    "guardian unregistered",
    "stranger",
    "no account",
    "foreign agency",
    "other institution",
    "operator",
)
"""Callers without any relation to P1, C1 and what is theirs."""
TARGETS = ("P1", "C1", "D1", "R1", "Z1", "Y1", "S1")
"""An adult, a child, a dead person, a resident, a frozen account, another region's, a sponsor."""
NOBODY, NO_ID = "NOBODY", "0" * 32


class Operation(NamedTuple):
    """A request; `{}` in path and body is replaced with the person number or the id."""

    method: str
    path: str
    body: Any = None

    def at(self, target: str) -> tuple[str, str, Any]:
        """The request about a target."""
        return self.method, self.path.format(target), _filled(self.body, target)


def _filled(body: Any, target: str) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(body, dict):
        return {name: _filled(value, target) for name, value in body.items()}
    return body.format(target) if isinstance(body, str) else body


def a_wish(kind: str, **who: str) -> dict[str, Any]:
    proof = {"kind": kind, "reference": "X-1"}
    return {"member": "{}", "relation": "child", "evidence": proof} | who


KIN = {"relation": "parent"}
OFFER = {"beneficiary": "{}", "relation": "child"}
PAPERS = {"evidence": {"kind": "document", "reference": "X-1"}}
PREMIUM = {"payee": "{}", "insurance": "resident_basic", "year": 2027}
WRONG = {"person_no": "{}", "bucket": "prior", "amount": "5.00", "reason": "counted again"}
FILING = {"person_no": "{}", "place": ELSEWHERE, "kind": "long_term", "from": "2026-03-01"}
BY_NUMBER = {
    "look at an account": Operation("GET", "/v1/accounts/{}"),
    "look at an order": Operation("GET", "/v1/accounts/{}/deduction-order"),
    "search": Operation("GET", "/v1/accounts?person_no={}"),
    "search by body": Operation("POST", "/v1/accounts:search", {"person_no": "{}"}),
    "look at entries": Operation("GET", "/v1/accounts/{}/entries"),
    "look at bills": Operation("GET", "/v1/accounts/{}/bills"),
    "list links": Operation("GET", "/v1/credential-links?person_no={}"),
    "list premiums": Operation("GET", "/v1/premiums?person_no={}"),
    "list bindings": Operation("GET", "/v1/bindings?person_no={}"),
    "credit": Operation("POST", "/v1/accounts/{}/credits", {"amount": "5.00"}),
    "freeze": Operation("POST", "/v1/accounts/{}/status", {"status": "frozen"}),
    "erase": Operation(
        "POST", "/v1/accounts/{}/erasure", {"reason": "law", "legal_basis": "law 1"}
    ),
    "set an order": Operation(
        "PUT", "/v1/accounts/{}/deduction-order", {"sponsors": ("X1",), "version": 0}
    ),
    "correct": Operation("POST", "/v1/corrections", WRONG),
    "look at chronic filings": Operation("GET", "/v1/accounts/{}/chronic-filings"),
    "file elsewhere": Operation("POST", "/v1/filings", FILING),
    "enter a parent": Operation(
        "POST", "/v1/kinships", {"person_no": "{}", "relative": "X1"} | KIN
    ),
    "enter a child": Operation("POST", "/v1/kinships", {"person_no": "X1", "relative": "{}"} | KIN),
    "confirm a parent": Operation(
        "POST", "/v1/kinships/confirmations", {"person_no": "{}", "relative": "X1"} | KIN
    ),
    "link by face": Operation("POST", "/v1/credential-links", a_wish("face")),
    "link by papers": Operation("POST", "/v1/credential-links", a_wish("birth_certificate")),
    "link by page": Operation("POST", "/v1/credential-links", a_wish("household_page")),
    "link in a name": Operation("POST", "/v1/credential-links", a_wish("face", guardian="S1")),
    "link from a name": Operation(
        "POST", "/v1/credential-links", a_wish("face", guardian="{}", member="X1")
    ),
    "invite by register": Operation("POST", "/v1/bindings", OFFER),
    "invite in a name": Operation("POST", "/v1/bindings", OFFER | {"sponsor": "S1"}),
    "invite from a name": Operation(
        "POST", "/v1/bindings", OFFER | {"sponsor": "{}", "beneficiary": "X1"}
    ),
    "pay a premium": Operation("POST", "/v1/premiums", PREMIUM),
    "pay from a name": Operation("POST", "/v1/premiums", PREMIUM | {"sponsor": "{}"}),
    "invite by document": Operation("POST", "/v1/bindings", OFFER | PAPERS),
    "invite by document again": Operation("POST", "/v1/bindings", OFFER | PAPERS | KIN),
    "invite by document in a name": Operation(
        "POST", "/v1/bindings", OFFER | PAPERS | {"sponsor": "S1"}
    ),
    "invite by promise": Operation(
        "POST", "/v1/bindings", OFFER | {"evidence": {"kind": "promise"}}
    ),
    "pay for the invited": Operation("POST", "/v1/premiums", PREMIUM | {"year": 2028}),
    "order for the invited": Operation(
        "PUT", "/v1/accounts/{}/deduction-order", {"sponsors": ("{}",), "version": 0}
    ),
}
REASON = {"reason": "told"}
BY_ID = {
    "look at a link": Operation("GET", "/v1/credential-links/lnk_{}"),
    "agree to a link": Operation("POST", "/v1/credential-links/lnk_{}/confirmation", {}),
    "review a link": Operation(
        "POST", "/v1/credential-links/lnk_{}/review", REASON | {"decision": "approve"}
    ),
    "activate a link": Operation("POST", "/v1/credential-links/lnk_{}/activation", {}),
    "show a code": Operation("POST", "/v1/credential-links/lnk_{}/codes", {}),
    "close a link": Operation("POST", "/v1/credential-links/lnk_{}/closure", REASON),
    "look at a binding": Operation("GET", "/v1/bindings/bnd_{}"),
    "agree to a binding": Operation("POST", "/v1/bindings/bnd_{}/confirmation", {}),
    "decline a binding": Operation("POST", "/v1/bindings/bnd_{}/decline", {}),
    "release a binding": Operation("POST", "/v1/bindings/bnd_{}/release", REASON),
    "change a grant": Operation("PATCH", "/v1/bindings/bnd_{}", {"uses": ["care"]}),
    "look at a bill": Operation("GET", "/v1/settlements/stl_{}"),
    "cancel a bill": Operation("POST", "/v1/settlements/stl_{}/cancellation", REASON),
    "give back": Operation("POST", "/v1/settlements/stl_{}/refunds", {"amount": "1.00"}),
    "look at a receipt": Operation("GET", "/v1/settlements/stl_{}/receipt"),
    "explain a bill": Operation("GET", "/v1/fhir/ExplanationOfBenefit/stl_{}"),
    "look at a hold": Operation("GET", "/v1/holds/hld_{}"),
    "capture a hold": Operation("POST", "/v1/holds/hld_{}/capture", {}),
    "let a hold go": Operation("POST", "/v1/holds/hld_{}/release", {}),
    "look at a correction": Operation("GET", "/v1/corrections/cor_{}"),
    "approve a correction": Operation("POST", "/v1/corrections/cor_{}/approval", {}),
}


class World(NamedTuple):
    """A desk, and an existing id of each kind."""

    desk: Desk
    ids: dict[str, str]


@pytest.fixture
async def world(desk: Desk) -> World:
    """One person of every kind, and one of everything that has an id."""
    return World(desk, await _everything(desk))


async def _everything(desk: Desk) -> dict[str, str]:
    await an_institution(desk)
    await an_institution(desk, PHARMACY, **{"class": "pharmacy"})
    await an_account(desk, "P1", "120.00", cert_no=GROWN_ID)
    await an_account(desk, "C1", "30.00", cert_no=CHILD_ID)
    await an_account(desk, "D1", status="deceased")
    await an_account(desk, "R1", insurance="resident")
    for number in ("M1", "F1", "G1", "S1", "Z1"):
        await an_account(desk, number, "500.00")
    frozen = await desk.post(AGENCY, "/v1/accounts/Z1/status", {"status": "frozen"})
    assert 201 == frozen.status_code, frozen.text
    await an_account(desk, "Y1", region="350000")
    await an_account(desk, "X1", "500.00", region="350000")
    fact = {"person_no": "C1", "relative": "F1", "relation": "parent"}
    assert 201 == (await desk.post(AGENCY, "/v1/kinships", fact)).status_code
    binding = await a_binding(desk, "S1", "P1")
    wish = {k: v for k, v in a_wish("face").items() if k != "member"} | {"member": "P1"}
    made = [
        await desk.post(a_person("M1"), "/v1/credential-links", wish),
        await desk.post(HOSPITAL, "/v1/settlements", a_claim()),
        await desk.post(HOSPITAL, "/v1/holds", a_claim(visit="v2", total="70.00")),
        await desk.post(AGENCY, "/v1/corrections", _filled(WRONG, "P1")),
    ]
    assert [201] * 4 == [answer.status_code for answer in made], [a.text for a in made]
    kinds = ("link_id", "settlement_id", "hold_id", "correction_id")
    ids = {k: answer.json()[k] for k, answer in zip(kinds, made, strict=True)}
    link = f"/v1/credential-links/{ids['link_id']}/confirmation"
    assert 201 == (await desk.post(a_person("P1"), link, {})).status_code
    return {named[:3]: named[4:] for named in (*ids.values(), binding)}


async def ask(desk: Desk, who: Who, operation: Operation, target: str) -> tuple[int, Any]:
    """The answer to somebody about a target, without the parts that differ by request."""
    method, path, body = operation.at(target)
    key = hashlib.sha256(repr((operation, target)).encode()).hexdigest()
    headers = {"Idempotency-Key": key, "Gongji-Purpose": "test"}
    answer = await desk.send(method, who, path, b"" if body is None else body, headers)
    status, told = untraced(answer)
    return status, {
        name: "the target" if value == target else value
        for name, value in told.items()
        if name not in ("position", "link_id", "binding_id")
    }


async def money(desk: Desk) -> list[str]:
    return [await desk.balance(number) for number in ("P1", "C1", "S1", "F1", "M1")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("who", OUTSIDE)
async def test_a_stranger_learns_nothing_of_a_person(world: World, who: str, target: str) -> None:
    """The answers about a person and about an unknown number are the same; no money moves."""
    desk = world.desk
    before = await money(desk)
    for name, operation in BY_NUMBER.items():
        nobody = await ask(desk, PRINCIPALS[who], operation, NOBODY)
        assert 429 != nobody[0]
        assert nobody == await ask(desk, PRINCIPALS[who], operation, target), name
        assert "code" not in nobody[1] or nobody[0] >= 400, name

    assert before == await money(desk)


@pytest.mark.parametrize("who", OUTSIDE)
async def test_a_stranger_learns_nothing_of_an_id(world: World, who: str) -> None:
    """The answers about an existing id and an unknown one are the same; nothing changes."""
    desk = world.desk
    before = await money(desk)
    for name, operation in BY_ID.items():
        prefix = operation.path.partition("_{}")[0][-3:]
        nobody = await ask(desk, PRINCIPALS[who], operation, NO_ID)
        assert nobody == await ask(desk, PRINCIPALS[who], operation, world.ids[prefix]), name
        assert nobody[0] in (403, 404), name

    assert before == await money(desk)


MAY: dict[str, dict[str, int]] = {
    "self": {
        "look at an account": 200,
        "look at an order": 200,
        "look at a link": 200,
        "show a code": 403,
        "look at a binding": 200,
        "change a grant": 403,
        "look at a bill": 200,
    },
    "adult member": {"look at an account": 404, "look at a link": 200, "show a code": 201},
    "sponsor": {
        "look at an account": 404,
        "look at a link": 404,
        "show a code": 404,
        "look at a binding": 200,
        "change a grant": 200,
        "look at a bill": 404,
    },
    "own agency": {
        "look at an account": 200,
        "look at an order": 200,
        "look at a link": 200,
        "look at a binding": 200,
        "look at a bill": 200,
    },
    "nation": {"look at an account": 200, "look at a link": 200, "look at a binding": 200},
    "institution": {"look at an account": 403, "look at a link": 403, "look at a bill": 200},
    "auditor": {
        "look at an account": 200,
        "look at an order": 200,
        "look at a link": 200,
        "show a code": 403,
        "look at a binding": 200,
        "look at a bill": 200,
        "close a link": 403,
    },
    "operator": {"look at an account": 403, "show a code": 403},
    "guardian registered": {"look at an account": 404, "look at a link": 404, "show a code": 404},
    "child": {"look at an account": 404, "look at a binding": 404},
}
"""The answers to permitted callers about P1 and what belongs to P1."""


@pytest.mark.parametrize("who", MAY)
async def test_the_legitimate_are_answered_as_before(world: World, who: str) -> None:
    """Permitted callers are answered as the contract says."""
    for name, status in MAY[who].items():
        operation = (BY_NUMBER | BY_ID)[name]
        prefix = operation.path.partition("_{}")[0][-3:]
        target = world.ids.get(prefix, "P1")
        told = await ask(world.desk, PRINCIPALS[who], operation, target)
        assert status == told[0], (name, told)
