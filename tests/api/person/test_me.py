"""`GET /v1/me`: who the token's holder is, the own account, the family, and what waits."""

from pathlib import Path
from typing import Any

from api.me import MeReply
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    CANARY_NAME,
    HOME,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_binding,
    a_book,
    a_desk_on_postgres,
    a_family,
    a_person,
    an_account,
    an_offer,
    is_answered,
)

P1, S1 = a_person("P1"), a_person("S1")


async def me_of(desk: Desk, who: Who) -> dict[str, Any]:
    answer: dict[str, Any] = is_answered(await desk.get(who, "/v1/me"), MeReply)
    return answer


async def test_everybody_but_a_person_reads_role_and_regions(desk: Desk) -> None:
    """An agency has its region or all, an institution its name and status, others nothing."""
    await a_family(desk)
    agency, nation = await me_of(desk, AGENCY), await me_of(desk, NATION)
    hospital, unknown = await me_of(desk, HOSPITAL), await me_of(desk, PHARMACY)
    auditor, operator = await me_of(desk, AUDITOR), await me_of(desk, OPERATOR)

    assert ("agency", "a1", [HOME]) == (agency["role"], agency["subject"], agency["regions"])
    assert {HOME, "110000"} < set(nation["regions"])
    assert nation["regions"] == auditor["regions"]
    assert ("operator", []) == (operator["role"], operator["regions"])
    shown = {"code": HOSPITAL.subject, "name": "第一人民医院", "status": "active"}
    assert (shown, [HOME]) == (hospital["institution"], hospital["regions"])
    assert (None, []) == (unknown["institution"], unknown["regions"])
    assert {None} == {each["account"] for each in (agency, hospital, auditor, operator)}


async def test_a_person_reads_account_and_family(desk_on_postgres: Desk) -> None:
    """Own name and balance in clear; sponsors in order and beneficiaries masked, with relations."""
    desk = desk_on_postgres
    first = await a_family(desk)
    await an_account(desk, "S2", "50.00", name="欧阳小明")
    second = await a_binding(desk, "S2", "P1", "parent")
    asked = await me_of(desk, P1)
    order = {"sponsors": ["S2", "S1"]}
    assert 200 == (await desk.send("PUT", P1, "/v1/accounts/P1/deduction-order", order)).status_code
    mine, his = await me_of(desk, P1), await me_of(desk, S1)

    account = (await desk.get(P1, "/v1/accounts/P1")).json()
    assert CANARY_NAME == account["name"]
    assert account == mine["account"] | {"position": account["position"]}
    assert {None} == {sponsor["rank"] for sponsor in asked["sponsors"]}
    assert [] == asked["waiting"] == mine["waiting"]
    assert [
        (second, "S2", "欧阳**", "child", 1),
        (first, "S1", "王*", "spouse", 2),
    ] == [tuple(each[name] for name in SPONSOR) for each in mine["sponsors"]]
    assert ([], []) == (mine["beneficiaries"], his["sponsors"])
    (beneficiary,) = his["beneficiaries"]
    assert (first, "P1", "金***", "spouse") == tuple(beneficiary[n] for n in SPONSOR[:-1])


SPONSOR = ("binding_id", "person_no", "name", "relation_to_you", "rank")


async def test_invitations_wait_for_the_invited_only(desk_on_postgres: Desk) -> None:
    """The invited reads who asks; the sponsor waits for nothing that he can do."""
    desk = desk_on_postgres
    await an_account(desk, "P1")
    await an_account(desk, "S1", "500.00")
    invited = await desk.post(S1, "/v1/bindings", an_offer("P1", "child"))
    (waiting,) = (await me_of(desk, P1))["waiting"]

    assert ("invitation", invited.json()["binding_id"]) == (waiting["kind"], waiting["id"])
    told = (waiting["person_no"], waiting["name"], waiting["relation_to_you"])
    assert ("S1", "王*", "parent") == told
    assert [] == (await me_of(desk, S1))["waiting"]
    no = await desk.post(P1, f"/v1/bindings/{waiting['id']}/decline", {})
    assert 201 == no.status_code
    assert [] == (await me_of(desk, P1))["waiting"]


async def test_an_order_waits_where_the_region_asks_for_it(dsn: str, tmp_path: Path) -> None:
    """With two sponsors and no order, the patient still has to set one."""
    book = a_book(order__order_asked_at_second_sponsor=True)
    async with a_desk_on_postgres(dsn, tmp_path, book) as desk:
        await a_family(desk)
        await an_account(desk, "S2", "50.00")
        await a_binding(desk, "S2", "P1", "parent")

        assert ["order"] == [item["kind"] for item in (await me_of(desk, P1))["waiting"]]
        assert [] == (await me_of(desk, S1))["waiting"]


async def test_a_person_without_an_account_reads_none(desk_on_postgres: Desk) -> None:
    """A valid token of nobody's number is answered; there is no account."""
    me = await me_of(desk_on_postgres, a_person("GHOST"))
    assert ("GHOST", None, []) == (me["subject"], me["account"], me["sponsors"])
