"""Bindings over HTTP: invite, confirm, decline, change, release, look up."""

import pytest

from api.binding.consent_routes import BindingWithConsentsReply
from api.binding.responses import BindingReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    Who,
    a_binding,
    a_claim,
    a_family,
    a_person,
    an_account,
    an_offer,
    is_answered,
    is_refused,
    untraced,
)

S1, P1, X1 = a_person("S1"), a_person("P1"), a_person("X1")
UNKNOWN_ID = "bnd_" + "0" * 32
NAMES_TO = {
    who: {"sponsor_name": name_of[0], "beneficiary_name": name_of[1], "relation_to_you": told}
    for who, name_of, told in (
        (S1, ("王某", "王*"), "spouse"),
        (P1, ("王*", "王某"), "spouse"),
        (AGENCY, ("王*", "王*"), None),
        (AUDITOR, ("王*", "王*"), None),
    )
}
"""The names in a binding of two, by reader."""
NO_TEXTS = {"sponsor": None, "beneficiary": None}
CAPS = {
    "per_settlement": "10.00",
    "per_day": None,
    "per_month": None,
    "per_year": "90.00",
    "total": None,
}


async def two_people(desk: Desk) -> None:
    await an_account(desk, "P1", "20.00")
    await an_account(desk, "S1", "500.00")


async def an_invitation(desk: Desk, **changes: object) -> str:
    offer = an_offer("P1") | changes
    invited = await desk.post(S1, "/v1/bindings", offer)
    assert 201 == invited.status_code, invited.text
    return f"/v1/bindings/{invited.json()['binding_id']}"


async def test_an_invitation_is_answered_in_full(desk: Desk) -> None:
    """The answer has both sides, the terms and `invited`; no sponsor pays before acceptance."""
    await two_people(desk)
    offer = an_offer(
        "P1",
        uses=["care"],
        caps={"per_settlement": "10.00", "per_year": "90.00"},
        valid_from="2026-03-02",
        valid_until="2027-03-01",
    )
    invited = await desk.post(S1, "/v1/bindings", offer, "k1")

    answer = is_answered(invited, BindingReply, 201)
    assert (
        "S1",
        "P1",
        "spouse",
        ["care"],
        CAPS,
        "invited",
        "2026-03-02",
        "2027-03-01",
        1,
    ) == tuple(
        answer[name]
        for name in (
            "sponsor",
            "beneficiary",
            "relation",
            "uses",
            "caps",
            "status",
            "valid_from",
            "valid_until",
            "version",
        )
    )
    again = await desk.post(S1, "/v1/bindings", offer, "k1")
    assert (invited.content, "true") == (again.content, again.headers["idempotency-replayed"])


async def test_a_yes_makes_it_active(desk: Desk) -> None:
    """The beneficiary confirms; both sides and an auditor see it active."""
    await two_people(desk)
    path = await an_invitation(desk)
    confirmed = await desk.post(P1, f"{path}/confirmation", {}, "k1")

    assert "active" == is_answered(confirmed, BindingReply, 201)["status"]
    for who in (S1, P1, AGENCY, AUDITOR):
        binding = is_answered(await desk.get(who, path), BindingWithConsentsReply)
        assert confirmed.json() | NAMES_TO[who] | {"consents": NO_TEXTS} == binding
    again = await desk.post(P1, f"{path}/confirmation", {}, "k1")
    assert (confirmed.content, "true") == (again.content, again.headers["idempotency-replayed"])
    is_refused(await desk.post(P1, f"{path}/confirmation", {}), 409, "NOT_INVITED")


async def test_a_no_is_a_no(desk: Desk) -> None:
    """After a declined invitation another one may follow."""
    await two_people(desk)
    path = await an_invitation(desk)
    declined = await desk.post(P1, f"{path}/decline", {})

    assert "declined" == is_answered(declined, BindingReply, 201)["status"]
    is_refused(await desk.post(P1, f"{path}/confirmation", {}), 409, "NOT_INVITED")
    await an_invitation(desk)


async def test_an_invitation_runs_out(desk: Desk) -> None:
    """After three days an invitation has expired and cannot be confirmed."""
    await two_people(desk)
    path = await an_invitation(desk)
    desk.clock.at = desk.clock.at.replace(day=6)

    assert "expired" == (await desk.get(P1, path)).json()["status"]
    is_refused(await desk.post(P1, f"{path}/confirmation", {}), 409, "INVITATION_EXPIRED")


async def test_a_change_holds_for_the_next_bill(desk: Desk) -> None:
    """A lower cap limits the next settlement; members not sent stay unchanged."""
    path = f"/v1/bindings/{await a_family(desk)}"
    body = {"caps": {"per_settlement": "4.00"}, "valid_until": "2027-01-01"}
    changed = await desk.send("PATCH", S1, path, body, {"Idempotency-Key": "k1"})

    answer = is_answered(changed, BindingReply)
    assert ("4.00", ["care", "premium"], "2027-01-01") == (
        answer["caps"]["per_settlement"],
        answer["uses"],
        answer["valid_until"],
    )
    again = await desk.send("PATCH", S1, path, body, {"Idempotency-Key": "k1"})
    assert (changed.content, "true") == (again.content, again.headers["idempotency-replayed"])
    forever = await desk.send("PATCH", S1, path, {"valid_until": None})
    assert (None, "4.00") == (
        forever.json()["valid_until"],
        forever.json()["caps"]["per_settlement"],
    )
    settled = (await desk.post(HOSPITAL, "/v1/settlements", a_claim())).json()
    assert ("4.00", "40.25") == (settled["aid"], settled["cash"])


async def test_a_cap_that_is_not_sent_stays_and_null_removes_it(desk: Desk) -> None:
    """One cap can change alone; null removes it, and null for `caps` removes all."""
    path = f"/v1/bindings/{await a_family(desk)}"
    caps = {
        "per_settlement": "10.00",
        "per_day": "20.00",
        "per_month": "30.00",
        "per_year": "90.00",
        "total": "900.00",
    }

    async def changed(caps: object) -> object:
        answer = is_answered(await desk.send("PATCH", S1, path, {"caps": caps}), BindingReply)
        return answer["caps"]

    assert caps == await changed(caps)
    assert caps == await changed({})
    assert caps | {"per_day": "5.00"} == await changed({"per_day": "5.00"})
    assert caps | {"per_day": None} == await changed({"per_day": None})
    assert caps | {"per_day": None, "per_year": None} == await changed({"per_year": None})
    assert dict.fromkeys(caps) == await changed(None)


async def test_a_cap_that_is_removed_is_another_request_than_one_that_stays(desk: Desk) -> None:
    """Under one key `{"caps": {}}` and `{"caps": {"per_day": null}}` are two bodies."""
    path = f"/v1/bindings/{await a_family(desk)}"
    key = {"Idempotency-Key": "k1"}
    await desk.send("PATCH", S1, path, {"caps": {}}, key)

    for other in ({"caps": {"per_day": None}}, {"caps": None}, {}):
        reused = await desk.send("PATCH", S1, path, other, key)
        is_refused(reused, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_change_of_nothing_is_another_request_than_of_all(desk: Desk) -> None:
    """Under one key `{}` and `{"valid_until": null}` are two bodies."""
    path = f"/v1/bindings/{await a_family(desk)}"
    key = {"Idempotency-Key": "k1"}
    await desk.send("PATCH", S1, path, {}, key)

    reused = await desk.send("PATCH", S1, path, {"valid_until": None}, key)
    is_refused(reused, 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("who", [S1, P1, AGENCY], ids=lambda w: w.subject)
async def test_either_side_takes_it_back(desk: Desk, who: Who) -> None:
    """Sponsor, beneficiary or their agency can release a binding; then it pays nothing."""
    path = f"/v1/bindings/{await a_family(desk)}"
    released = await desk.post(who, f"{path}/release", {"reason": "no longer needed"}, "k1")

    assert "released" == is_answered(released, BindingReply, 201)["status"]
    is_refused(await desk.post(who, f"{path}/release", {"reason": "again"}), 409, "NOT_ACTIVE")
    settled = (await desk.post(HOSPITAL, "/v1/settlements", a_claim())).json()
    assert ("20.00", "0.00", "44.25") == (settled["own"], settled["aid"], settled["cash"])


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", b""),
        ("PATCH", "", {"uses": ["care"]}),
        ("POST", "/confirmation", {}),
        ("POST", "/decline", {}),
        ("POST", "/release", {"reason": "told"}),
    ],
)
async def test_a_strangers_binding_looks_like_none(
    desk: Desk, method: str, tail: str, body: object
) -> None:
    """Strangers and other regions get the 404 of an unknown id, and change nothing."""
    binding_id = await a_family(desk)
    await an_account(desk, "X1")
    before = desk.stands()
    for who in (X1, a_person("NOBODY"), AGENCY_ELSEWHERE):
        foreign, unknown, wild = [
            await desk.send(
                method, who, f"/v1/bindings/{name}{tail}", body, {"Idempotency-Key": "k"}
            )
            for name in (binding_id, UNKNOWN_ID, "stl_0")
        ]
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(unknown) == untraced(wild)
    assert before == desk.stands()


@pytest.mark.parametrize("who", [HOSPITAL, OPERATOR, AUDITOR], ids=lambda w: w.role)
async def test_only_the_family_and_its_agency_act(desk: Desk, who: Who) -> None:
    """Institutions, operators and auditors change no binding."""
    path = f"/v1/bindings/{await a_family(desk)}"
    before = desk.stands()
    code = "READ_ONLY_ROLE" if who is AUDITOR else "NOT_PERMITTED"
    offer = {"beneficiary": "P1", "relation": "child"}

    for tail, body in (("/confirmation", {}), ("/decline", {}), ("/release", {"reason": "told"})):
        is_refused(await desk.post(who, path + tail, body), 403, code)
    is_refused(await desk.send("PATCH", who, path, {}), 403, code)
    is_refused(await desk.post(who, "/v1/bindings", offer), 403, code)
    assert before == desk.stands()


async def test_the_other_sides_part_is_not_permitted(desk: Desk) -> None:
    """A sponsor cannot confirm, nor a beneficiary raise their own cap."""
    await two_people(desk)
    path = await an_invitation(desk)

    is_refused(await desk.post(S1, f"{path}/confirmation", {}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(S1, f"{path}/decline", {}), 403, "NOT_PERMITTED")
    await desk.post(P1, f"{path}/confirmation", {})
    raised = await desk.send("PATCH", P1, path, {"caps": {"per_settlement": "99.00"}})
    is_refused(raised, 403, "NOT_PERMITTED")


async def test_an_agency_acts_for_the_sponsor_it_names(desk: Desk) -> None:
    """An agency names a sponsor of its region; a person only themselves."""
    await two_people(desk)
    offer = an_offer("P1")
    named = offer | {"sponsor": "S1"}

    is_refused(await desk.post(AGENCY, "/v1/bindings", offer), 422, "FIELD_REQUIRED")
    foreign = await desk.post(AGENCY_ELSEWHERE, "/v1/bindings", named)
    unknown = await desk.post(AGENCY_ELSEWHERE, "/v1/bindings", offer | {"sponsor": "NOBODY"})
    is_refused(foreign, 404, "NOT_FOUND")
    assert untraced(foreign) == untraced(unknown)
    is_refused(await desk.post(P1, "/v1/bindings", named), 404, "NOT_FOUND")
    is_answered(await desk.post(AGENCY, "/v1/bindings", named), BindingReply, 201)


async def test_rules_say_no_with_their_code(desk: Desk) -> None:
    """A relation, a second spouse, an open invitation, a resident: each has its code."""
    await a_family(desk)
    await an_account(desk, "P2")
    await an_account(desk, "R1", insurance="resident")
    invite = "/v1/bindings"
    in_law = an_offer("P2", "parent_in_law")
    is_refused(await desk.post(S1, invite, in_law), 422, "RELATION_NOT_ALLOWED")
    second = an_offer("P2", "spouse")
    is_refused(await desk.post(S1, invite, second), 409, "RELATION_MAX")
    bound = an_offer("P1", "child")
    is_refused(await desk.post(S1, invite, bound), 409, "ALREADY_BOUND")
    is_refused(await desk.post(a_person("R1"), invite, bound), 409, "NO_FUNDS")
    child = an_offer("P2", "child")
    await desk.post(S1, invite, child)
    is_refused(await desk.post(S1, invite, child), 409, "ALREADY_BOUND")
    past = child | {"beneficiary": "R1", "valid_until": "2026-03-01"}

    is_refused(await desk.post(S1, invite, past), 422, "DATE_INVALID")
    nobody = child | {"beneficiary": "NOBODY"}
    assert 201 == (await desk.post(S1, invite, nobody)).status_code
    is_refused(await desk.post(S1, invite, nobody), 409, "ALREADY_BOUND")
    exact = await desk.post(NATION, invite, nobody | {"sponsor": "S1"})
    is_refused(exact, 409, "ALREADY_BOUND")
    other = await desk.post(NATION, invite, nobody | {"sponsor": "S1", "beneficiary": "NONE"})
    is_refused(other, 404, "NOT_FOUND")


async def test_many_sponsors_pay_in_their_order(desk: Desk) -> None:
    """Without an order the oldest sponsor pays first."""
    await a_family(desk)
    await an_account(desk, "S2", "500.00")
    desk.clock.at = desk.clock.at.replace(minute=21)
    await a_binding(desk, "S2", "P1", "child")
    settled = (await desk.post(HOSPITAL, "/v1/settlements", a_claim(total="628.50"))).json()

    assert ["20.00", "500.00", "44.25"] == [payer["amount"] for payer in settled["payers"]]
    assert "455.75" == (await desk.get(NATION, "/v1/accounts/S2")).json()["balance"]["available"]
