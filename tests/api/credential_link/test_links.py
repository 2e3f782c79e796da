"""Credential links over HTTP: open, show, close, and who may."""

import json

import httpx
import pytest

from aggregates.credential_link.decisions import check_active, patient_of
from aggregates.credential_link.events import (
    CodeShown,
    CredentialLinkActivated,
    CredentialLinkOpened,
    CredentialLinkRequested,
)
from aggregates.credential_link.link import evolve
from aggregates.refusals import CodeExpiredError, NotActiveError
from aggregates.vocabulary import LinkEvidence, LinkStatus, StreamId
from api.credential_link import CodeReply, LinkReply
from api.ndjson_import.lines import read_line
from api.sandbox.identity import create_sandbox
from api.settlement.responses import SettlementReply
from service.adapters.identity_verifier import IdentityVerifier
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
    a_request,
    a_wish,
    by_code,
)

CHILD_ID = "110105201505010025"


async def test_a_link_is_answered_in_full(desk: Desk) -> None:
    """The answer has both sides and waits for the member; a repeat has the same bytes."""
    await an_account(desk, "P1")
    await an_account(desk, "G1")
    opened = await desk.post(G1, PATH, a_wish(), "k1")

    answer = is_answered(opened, LinkReply, 201)
    expected = ("G1", "P1", "parent", "requested", "2026-03-02T10:20:00.000+08:00", None, 1)
    members = ("guardian", "member", "relation", "status", "opened_at", "closed_at", "version")
    assert expected == tuple(answer[name] for name in members)
    again = await desk.post(G1, PATH, a_wish(), "k1")
    assert (opened.content, "true") == (again.content, again.headers["idempotency-replayed"])
    twice = is_refused(await desk.post(G1, PATH, a_wish()), 409, "ALREADY_LINKED")
    assert answer["link_id"] == twice["link_id"]


async def test_a_shown_code_settles_for_the_member(desk: Desk) -> None:
    """The code identifies the patient, whose account and sponsor pay; the guardian pays nothing."""
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
    """After 15 minutes, or after the link is closed, a code is 422; an unknown one is 404."""
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
    "oneself": ({"member": "G1"}, "SELF_BINDING"),
    "a stranger's relation": ({"relation": "friend"}, "FIELD_INVALID"),
    "money": ({"amount": "1.00"}, "UNKNOWN_FIELD"),
    "uses": ({"uses": ["care"]}, "UNKNOWN_FIELD"),
}


@pytest.mark.parametrize(("changes", "code"), BAD.values(), ids=BAD)
async def test_a_bad_wish_changes_nothing(
    desk: Desk, changes: dict[str, object], code: str
) -> None:
    """An invalid request is 422 with its code and leaves its key free."""
    await an_account(desk, "P1")
    await an_account(desk, "G1")
    before = desk.stands()
    is_refused(await desk.post(G1, PATH, a_wish() | changes, "k1"), 422, code)
    assert before == desk.stands()
    is_answered(await desk.post(G1, PATH, a_wish(), "k1"), LinkReply, 201)


async def test_a_change_without_a_key_is_refused(desk: Desk) -> None:
    """Opening, showing and closing require an Idempotency-Key."""
    path = await a_guarded_family(desk)
    before = desk.stands()
    for at, body in ((PATH, a_wish("S1")), (f"{path}/codes", {}), (f"{path}/closure", {})):
        is_refused(await desk.send("POST", G1, at, body), 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert before == desk.stands()


async def test_a_strangers_link_looks_like_none(desk: Desk) -> None:
    """Strangers and other regions get the 404 of an unknown link, for every operation."""
    path = await a_guarded_family(desk)
    await an_account(desk, "G2", region="350000")
    far = Who(AGENCY.role, "a3", "350000")
    for who in (X1, a_person("S1"), a_person("G2"), far):
        for tail in ("/codes", "/closure", "/confirmation", "/activation"):
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
    """Only the guardian's side shows the code; the member's agency may close the link."""
    path = await a_guarded_family(desk)
    is_refused(await desk.post(P1, f"{path}/codes", {}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY, f"{path}/codes", {}), 404, "NOT_FOUND")
    is_answered(await desk.post(AGENCY, f"{path}/closure", {}), LinkReply, 201)


async def test_an_agency_acts_for_the_guardian_it_names(desk: Desk) -> None:
    """An agency links, shows and closes for a person of its region; the log has the person."""
    await an_account(desk, "P1", region=ELSEWHERE)
    await an_account(desk, "G1")
    named = a_wish(guardian="G1")
    is_refused(await desk.post(AGENCY, PATH, a_wish()), 422, "FIELD_REQUIRED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, named), 404, "NOT_FOUND")
    is_refused(await desk.post(X1, PATH, named), 404, "NOT_FOUND")
    opened = is_answered(await desk.post(AGENCY, PATH, named), LinkReply, 201)
    path = f"{PATH}/{opened['link_id']}"
    is_refused(await desk.post(AGENCY, f"{path}/confirmation", {}), 404, "NOT_FOUND")
    is_answered(await desk.post(AGENCY_ELSEWHERE, f"{path}/confirmation", {}), LinkReply, 201)
    await a_code(desk, path, AGENCY)
    await desk.post(AGENCY, f"{path}/closure", {})

    log = await desk.context.store.history(opened["link_id"])
    sides = [desk.context.vault.name("person_no", number) for number in ("G1", "P1")]
    accounts = (await desk.context.store.read((), sides)).names
    guardian, member = (accounts[side] for side in sides)
    for_whom = [guardian, member, guardian, guardian]
    assert for_whom == [recorded.act.on_behalf_of for recorded in log]
    actors = ["agency:a1", "agency:a2", "agency:a1", "agency:a1"]
    assert actors == [recorded.act.actor for recorded in log]


async def kin(desk: Desk, person: str, relative: str, relation: str = "parent") -> None:
    """Enter a kinship in the register."""
    line = {"type": "kinship", "person_no": person, "relative": relative, "relation": relation}
    await read_line(json.dumps(line).encode())[1].begin(desk.context)


async def a_child(desk: Desk) -> None:
    await an_account(desk, "P1", cert_no=CHILD_ID)
    for number in ("G1", "F1"):
        await an_account(desk, number)


async def test_a_parent_acts_for_a_child_who_is_linked(desk: Desk) -> None:
    """A minor's registered parent may confirm and close another guardian's link, not show codes."""
    await a_child(desk)
    path = await a_request(desk, kind="household_page", relation="grandchild")
    father = a_person("F1")
    is_refused(await desk.post(father, f"{path}/confirmation", {}), 404, "NOT_FOUND")
    await kin(desk, "P1", "F1")

    is_refused(await desk.post(P1, f"{path}/confirmation", {}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(father, f"{path}/codes", {}), 403, "NOT_PERMITTED")
    agreed = await desk.post(father, f"{path}/confirmation", {})
    assert "active" == is_answered(agreed, LinkReply, 201)["status"]
    await a_code(desk, path)
    is_answered(await desk.post(father, f"{path}/closure", {}), LinkReply, 201)


async def test_a_registered_parent_applies_and_activates(desk: Desk) -> None:
    """Registered parenthood is enough for a minor; the evidence must fit the age."""
    await a_child(desk)
    await kin(desk, "P1", "G1")
    is_refused(await desk.post(G1, PATH, a_wish(kind="face")), 422, "EVIDENCE_INVALID")
    opened = await desk.post(G1, PATH, a_wish(kind="birth_certificate", relation="child"))
    assert "applied" == is_answered(opened, LinkReply, 201)["status"]
    path = f"{PATH}/{opened.json()['link_id']}"
    is_refused(await desk.post(G1, f"{path}/codes", {}), 409, "NOT_ACTIVE")
    is_refused(await desk.post(P1, f"{path}/activation", {}), 403, "NOT_PERMITTED")

    for _ in range(2):
        activated = await desk.post(G1, f"{path}/activation", {})
        assert "active" == is_answered(activated, LinkReply, 201)["status"]
    await a_code(desk, path)


FACES = {"F-G1": "ID-G1", "F-F1": "ID-F1", "F-G1-2": "ID-G1"}
"""Whose face check the verifier knows by which reference."""


def a_verifier(desk: Desk) -> None:
    """Set up a verifier that knows `FACES`."""
    transport = httpx.ASGITransport(app=create_sandbox(FACES))
    client = httpx.AsyncClient(transport=transport, base_url="http://verifier")
    desk.context.proofs = IdentityVerifier("http://verifier/identity", client)


async def a_recorded_check(desk: Desk, path: str) -> tuple[LinkEvidence | None, str | None]:
    """The kind and the digest of the check that the link's activation records."""
    *_, last = await desk.context.store.history(StreamId(path.rpartition("/")[2]))
    assert isinstance(last.event, CredentialLinkActivated), "it is active"
    return last.event.check_kind, last.event.check_digest


def a_check(reference: str) -> dict[str, object]:
    return {"identity_check": {"kind": "face", "reference": reference}}


async def an_applied_link(desk: Desk, relative: str) -> str:
    """A registered parent's link of P1 that waits for its activation; its path."""
    await kin(desk, "P1", relative)
    wish = a_wish(kind="birth_certificate", relation="child")
    opened = await desk.post(a_person(relative), PATH, wish)
    assert "applied" == is_answered(opened, LinkReply, 201)["status"]
    return f"{PATH}/{opened.json()['link_id']}"


async def test_a_guardian_activates_by_an_identity_check(desk: Desk) -> None:
    """Where a verifier is set up, only a new face check of the guardian himself activates."""
    a_verifier(desk)
    await a_child(desk)
    path = await an_applied_link(desk, "G1")
    before = desk.stands()
    for body in ({}, *map(a_check, ("FACE-0", "F-F1", "down", "broken"))):
        refused = await desk.post(G1, f"{path}/activation", body, "k1")
        problem = is_refused(refused, 422, "EVIDENCE_INVALID")
        assert ("identity_check", "not_applied") == (problem["field"], problem["outcome"])
    for body in ({}, a_check("F-G1")):
        is_refused(await desk.post(X1, f"{path}/activation", body), 404, "NOT_FOUND")
    assert before == desk.stands()

    activated = await desk.post(G1, f"{path}/activation", a_check("F-G1"), "k1")
    assert "active" == is_answered(activated, LinkReply, 201)["status"]
    again = await desk.post(G1, f"{path}/activation", a_check("F-G1"), "k1")
    assert activated.content == again.content
    is_answered(await desk.post(G1, f"{path}/activation", {}), LinkReply, 201)
    digest = desk.context.vault.name("identity_check", "FACE\0F-G1").hex()
    assert (LinkEvidence.FACE, digest) == await a_recorded_check(desk, path)


async def test_a_check_activates_once(desk: Desk) -> None:
    """A second link needs a new check; an agency may show one, and needs none."""
    a_verifier(desk)
    await a_child(desk)
    path, other = await an_applied_link(desk, "G1"), await an_applied_link(desk, "F1")
    await desk.post(G1, f"{path}/activation", a_check("F-G1"))
    await desk.post(G1, f"{path}/closure", {})
    path = await an_applied_link(desk, "G1")
    replayed = await desk.post(G1, f"{path}/activation", a_check("F-G1"))
    is_refused(replayed, 422, "EVIDENCE_INVALID")
    fresh = await desk.post(AGENCY, f"{path}/activation", a_check("F-G1-2"))
    assert "active" == is_answered(fresh, LinkReply, 201)["status"]
    seen = await desk.post(AGENCY, f"{other}/activation", {})
    assert "active" == is_answered(seen, LinkReply, 201)["status"]


async def test_without_a_verifier_no_check_is_asked_for(desk: Desk) -> None:
    """A check that nobody can confirm is taken and not recorded."""
    await a_child(desk)
    path = await an_applied_link(desk, "G1")
    activated = await desk.post(G1, f"{path}/activation", a_check("F-G1"))
    is_answered(activated, LinkReply, 201)

    assert (None, None) == await a_recorded_check(desk, path)
    odd = {"identity_check": {"kind": "household_page", "reference": "H-1"}}
    is_refused(await desk.post(G1, f"{path}/activation", odd), 422, "FIELD_INVALID")


REVIEW = {"decision": "approve", "reason": "seen at the counter"}


async def test_the_agency_of_a_child_reviews_the_papers(desk: Desk) -> None:
    """Only the member's agency reviews; approval allows activation, rejection closes the link."""
    await a_child(desk)
    path = await a_request(desk, kind="birth_certificate", relation="child")
    for who, status, code in (
        (G1, 403, "NOT_PERMITTED"),
        (P1, 403, "NOT_PERMITTED"),
        (HOSPITAL, 403, "NOT_PERMITTED"),
        (AUDITOR, 403, "READ_ONLY_ROLE"),
        (AGENCY_ELSEWHERE, 404, "NOT_FOUND"),
    ):
        is_refused(await desk.post(who, f"{path}/review", REVIEW), status, code)
    is_refused(await desk.post(G1, f"{path}/activation", {}), 409, "NOT_ACTIVE")
    link = (await desk.get(AGENCY, path)).json()
    assert ("P1", "in_review") == (link["member"], link["status"])
    approved = await desk.post(AGENCY, f"{path}/review", REVIEW)
    assert "applied" == is_answered(approved, LinkReply, 201)["status"]
    is_refused(await desk.post(AGENCY, f"{path}/review", REVIEW), 409, "NOT_IN_REVIEW")
    await desk.post(G1, f"{path}/activation", {})
    await a_code(desk, path)

    second = await a_request(desk, "F1", kind="notarised", relation="child")
    rejected = await desk.post(AGENCY, f"{second}/review", REVIEW | {"decision": "reject"})
    assert "closed" == is_answered(rejected, LinkReply, 201)["status"]
    assert second != await a_request(desk, "F1", kind="notarised", relation="child")


async def test_a_guardian_learns_of_a_member_when_somebody_said_yes(desk: Desk) -> None:
    """Until then the guardian's view has no member; the member and their agency see the request."""
    await an_account(desk, "P1", region=ELSEWHERE)
    await an_account(desk, "G1")
    path = await a_request(desk)
    members = {who: (await desk.get(who, path)).json()["member"] for who in (G1, AGENCY)}
    assert {None} == set(members.values())
    for who in (P1, AGENCY_ELSEWHERE, AUDITOR):
        assert "P1" == (await desk.get(who, path)).json()["member"]
    await desk.post(P1, f"{path}/confirmation", {})

    assert "P1" == (await desk.get(G1, path)).json()["member"]


async def test_what_nobody_checked_is_suspended(desk: Desk) -> None:
    """A link of an older release shows no code until the member agrees; its codes have expired."""
    path = await a_guarded_family(desk)
    keys, store = desk.context.vault, desk.context.store
    code = await a_code(desk, path)
    link_id = StreamId(path.rpartition("/")[2])
    first = (await store.history(link_id))[0].event
    assert isinstance(first, CredentialLinkRequested)
    old = CredentialLinkOpened(
        guardian=first.guardian,
        member=first.member,
        relation=first.relation,
        evidence=first.evidence,
        evidence_reference="X",
        slot=first.slot,
        opened_at=first.requested_at,
    )
    shown = [r.event for r in await store.history(link_id) if isinstance(r.event, CodeShown)]
    link = evolve(evolve(None, old), shown[0])
    digest = keys.name("e_credential", code).hex()

    assert [digest] == [held.digest for held in link.codes]
    assert LinkStatus.SUSPENDED is link.status_of(None, desk.clock().on)
    with pytest.raises(CodeExpiredError):
        patient_of(link, digest, None, desk.clock())
    with pytest.raises(NotActiveError):
        check_active(link, None, desk.clock().on)
