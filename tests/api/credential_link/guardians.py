"""A guardian, a member, and their link, for tests over HTTP."""

from typing import Any

from api.credential_link import CodeReply, LinkReply
from tests.api.clients import (
    ELSEWHERE,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    an_account,
    is_answered,
)

G1, P1, X1 = a_person("G1"), a_person("P1"), a_person("X1")
PATH = "/v1/credential-links"
UNKNOWN_ID = "lnk_" + "0" * 32


def a_wish(member: str = "P1", kind: str = "face", **changes: object) -> dict[str, Any]:
    proof = {"kind": kind, "reference": "FACE-1"}
    return {"member": member, "relation": "parent", "evidence": proof} | changes


async def a_request(desk: Desk, guardian: str = "G1", **changes: object) -> str:
    opened = await desk.post(a_person(guardian), PATH, a_wish(**changes))  # type: ignore[arg-type]
    assert 201 == opened.status_code, opened.text
    return f"{PATH}/{opened.json()['link_id']}"


async def a_link(desk: Desk, guardian: str = "G1", **changes: object) -> str:
    """A link that its adult member confirmed."""
    path = await a_request(desk, guardian, **changes)
    agreed = await desk.post(a_person(str(changes.get("member", "P1"))), f"{path}/confirmation", {})
    assert "active" == is_answered(agreed, LinkReply, 201)["status"]
    return path


async def a_guarded_family(desk: Desk) -> str:
    """The family of P1 and S1, and P1's guardian G1 in another region; the path of the link."""
    await a_family(desk)
    await an_account(desk, "G1", "900.00", region=ELSEWHERE)
    await an_account(desk, "X1")
    return await a_link(desk)


async def a_code(desk: Desk, path: str, who: Who = G1) -> str:
    shown = await desk.post(who, f"{path}/codes", {})
    return str(is_answered(shown, CodeReply, 201)["code"])


def by_code(code: str, **changes: object) -> dict[str, Any]:
    return a_claim(beneficiary={"type": "e_credential", "value": code}, **changes)
