"""Credential links over HTTP: open, show, close; each to his own, and money to nobody."""

import json

import pytest

from api.credential_link import CodeReply, LinkReply
from api.ndjson_import.lines import read_line
from api.settlement.responses import SettlementReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    OPERATOR,
    Desk,
    Who,
    a_claim,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)
from tests.api.credential_link.guardians import (
    G1,
    P1,
    PATH,
    UNKNOWN_ID,
    X1,
    a_code,
    a_guarded_family,
    a_link,
    a_wish,
    by_code,
)

CHILD_ID = "110105201505010025"


async def test_a_link_is_answered_in_full(desk: Desk) -> None:
    """The answer names both sides and is active at once; a repeat has the same bytes."""
    await an_account(desk, "P1")
    await an_account(desk, "G1")
    opened = await desk.post(G1, PATH, a_wish(), "k1")

    answer = is_answered(opened, LinkReply, 201)
    expected = ("G1", "P1", "parent", "active", "2026-03-02T10:20:00.000+08:00", None, 1)
    members = ("guardian", "member", "relation", "status", "opened_at", "closed_at", "version")
    assert expected == tuple(answer[name] for name in members)
    again = await desk.post(G1, PATH, a_wish(), "k1")
    assert (opened.content, "true") == (again.content, again.headers["idempotency-replayed"])
    twice = is_refused(await desk.post(G1, PATH, a_wish()), 409, "ALREADY_LINKED")
    assert answer["link_id"] == twice["link_id"]


async def test_a_shown_code_settles_for_the_member(desk: Desk) -> None:
    """The code names the patient: his account and his sponsor pay, the guardian nothing."""
    path = await a_guarded_family(desk)
    shown = await desk.post(G1, f"{path}/codes", {}, "k1")
    answer = is_answered(shown, CodeReply, 201)
    settled = await desk.post(HOSPITAL, "/v1/settlements", by_code(answer["code"]))

    paid = is_answered(settled, SettlementReply, 201)
    assert ("20.00", "44.25", "0.00") == (paid["own"], paid["aid"], paid["cash"])
    assert "900.00" == await desk.balance("G1")
    assert "2026-03-02T10:35:00.000+08:00" == answer["expires_at"]
    again = await desk.post(G1, f"{path}/codes", {}, "k1")
    assert (shown.json(), "true") == (again.json(), again.headers["idempotency-replayed"])
    reused = await desk.post(G1, f"{path}/closure", {}, "k1")
    is_refused(reused, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_code_too_old_is_refused_and_forgotten(desk: Desk) -> None:
    """After a quarter hour, or with its link, a code is 422; one that never was is 404."""
    path = await a_guarded_family(desk)
    old = await a_code(desk, path)
    desk.clock.at = desk.clock.at.replace(hour=11)
    before = desk.stands()
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", by_code(old)), 422, "CODE_EXPIRED")
    is_refused(await desk.post(HOSPITAL, "/v1/quotes", by_code(old)), 422, "CODE_EXPIRED")
    unknown = by_code("A" * 40)
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", unknown), 404, "NOT_FOUND")
    beside = a_claim(credential={"type": "e_credential", "value": old})
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", beside), 422, "CODE_EXPIRED")
    assert before == desk.stands()

    fresh = await a_code(desk, path)
    closed = await desk.post(P1, f"{path}/closure", {"reason": "grown up"})
    assert "closed" == is_answered(closed, LinkReply, 201)["status"]
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", by_code(fresh)), 422, "CODE_EXPIRED")
    is_refused(await desk.post(G1, f"{path}/codes", {}), 409, "LINK_CLOSED")
    is_refused(await desk.post(G1, f"{path}/closure", {}), 409, "LINK_CLOSED")


BAD = {
    "no proof": ({"evidence": None}, "FIELD_INVALID"),
    "no reference": ({"evidence": {"kind": "face"}}, "FIELD_REQUIRED"),
    "an empty reference": ({"evidence": {"kind": "face", "reference": ""}}, "TEXT_INVALID"),
    "a kind of kinship": ({"evidence": {"kind": "promise", "reference": "X"}}, "FIELD_INVALID"),
    "a wrong kind": ({"evidence": {"kind": "notarised", "reference": "X"}}, "EVIDENCE_INVALID"),
    "oneself": ({"member": "G1"}, "SELF_BINDING"),
    "a stranger's relation": ({"relation": "friend"}, "FIELD_INVALID"),
    "money": ({"amount": "1.00"}, "UNKNOWN_FIELD"),
    "uses": ({"uses": ["care"]}, "UNKNOWN_FIELD"),
}


@pytest.mark.parametrize(("changes", "code"), BAD.values(), ids=BAD)
async def test_a_bad_wish_changes_nothing(
    desk: Desk, changes: dict[str, object], code: str
) -> None:
    """What cannot be is 422 with its code and leaves its key free."""
    await an_account(desk, "P1")
    await an_account(desk, "G1")
    before = desk.stands()
    is_refused(await desk.post(G1, PATH, a_wish() | changes, "k1"), 422, code)
    assert before == desk.stands()
    is_answered(await desk.post(G1, PATH, a_wish(), "k1"), LinkReply, 201)


async def test_a_change_without_a_key_is_refused(desk: Desk) -> None:
    """Opening, showing and closing take an Idempotency-Key each."""
    path = await a_guarded_family(desk)
    before = desk.stands()
    for at, body in ((PATH, a_wish("S1")), (f"{path}/codes", {}), (f"{path}/closure", {})):
        is_refused(await desk.send("POST", G1, at, body), 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert before == desk.stands()


async def test_a_strangers_link_looks_like_none(desk: Desk) -> None:
    """Strangers and other regions get the 404 of a link that is not there, for every operation."""
    path = await a_guarded_family(desk)
    await an_account(desk, "G2", region="350000")
    far = Who(AGENCY.role, "a3", "350000")
    for who in (X1, a_person("S1"), a_person("G2"), far):
        for tail in ("/codes", "/closure"):
            foreign = await desk.post(who, path + tail, {})
            none = await desk.post(who, f"{PATH}/{UNKNOWN_ID}{tail}", {})
            is_refused(foreign, 404, "NOT_FOUND")
            assert untraced(foreign) == untraced(none)
        assert untraced(await desk.get(who, path)) == untraced(
            await desk.get(who, f"{PATH}/{UNKNOWN_ID}")
        )
    is_refused(await desk.get(G1, f"{PATH}/lnk_1"), 404, "NOT_FOUND")
    for who, code in (
        (HOSPITAL, "NOT_PERMITTED"),
        (OPERATOR, "NOT_PERMITTED"),
        (AUDITOR, "READ_ONLY_ROLE"),
    ):
        is_refused(await desk.post(who, PATH, a_wish()), 403, code)
        is_refused(await desk.post(who, f"{path}/codes", {}), 403, code)
        is_refused(await desk.post(who, f"{path}/closure", {}), 403, code)


async def test_the_member_closes_and_shows_nothing(desk: Desk) -> None:
    """The code of a link is the guardian's to show; the member's agency closes, no more."""
    path = await a_guarded_family(desk)
    is_refused(await desk.post(P1, f"{path}/codes", {}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY, f"{path}/codes", {}), 404, "NOT_FOUND")
    is_answered(await desk.post(AGENCY, f"{path}/closure", {}), LinkReply, 201)


async def test_an_agency_acts_for_the_guardian_it_names(desk: Desk) -> None:
    """An agency links, shows and closes for a person of its region, and the log says for whom."""
    await an_account(desk, "P1", region=ELSEWHERE)
    await an_account(desk, "G1")
    named = a_wish(guardian="G1")
    is_refused(await desk.post(AGENCY, PATH, a_wish()), 422, "FIELD_REQUIRED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, named), 404, "NOT_FOUND")
    is_refused(await desk.post(X1, PATH, named), 404, "NOT_FOUND")
    opened = is_answered(await desk.post(AGENCY, PATH, named), LinkReply, 201)
    path = f"{PATH}/{opened['link_id']}"
    await a_code(desk, path, AGENCY)
    await desk.post(AGENCY, f"{path}/closure", {})

    log = await desk.house.store.history(opened["link_id"])
    guardian = desk.house.keys.name("person_no", "G1")
    found = (await desk.house.store.read((), (guardian,))).names[guardian]
    assert [found] * 3 == [recorded.act.on_behalf_of for recorded in log]
    assert {"agency:a1"} == {recorded.act.actor for recorded in log}


async def test_a_parent_acts_for_a_child_who_is_linked(desk: Desk) -> None:
    """A registered parent closes the link that somebody else has to his child, and shows none."""
    await an_account(desk, "P1", cert_no=CHILD_ID)
    for number in ("G1", "F1"):
        await an_account(desk, number)
    path = await a_link(desk, kind="household_page", relation="grandchild")
    line = {"type": "kinship", "person_no": "P1", "relative": "F1", "relation": "parent"}
    await read_line(json.dumps(line).encode())[1].begin(desk.house)

    father = a_person("F1")
    is_refused(await desk.post(father, f"{path}/codes", {}), 403, "NOT_PERMITTED")
    is_answered(await desk.post(father, f"{path}/closure", {}), LinkReply, 201)
