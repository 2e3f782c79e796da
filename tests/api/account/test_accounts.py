"""Accounts over HTTP: open, credit, change status, read; the deduction order."""

from typing import Any

import pytest

from api.account.responses import AccountReply
from api.binding.responses import OrderReply
from service.caller import Role
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    ELSEWHERE,
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
    an_opening,
    is_answered,
    is_refused,
    untraced,
)

ORDER = "/v1/accounts/P1/deduction-order"


async def test_an_account_is_opened_and_read(desk: Desk) -> None:
    """Owner, agency and auditor read the same balance."""
    opened = await desk.post(
        AGENCY, "/v1/accounts", an_opening("P1", flags=["public_medical_care"])
    )
    answer = is_answered(opened, AccountReply, 201)
    empty = dict.fromkeys(("current", "prior", "held", "available"), "0.00")

    assert ("P1", empty, "normal") == (answer["person_no"], answer["balance"], answer["status"])
    assert ["public_medical_care"] == answer["flags"]
    for who in (AGENCY, NATION, AUDITOR, a_person("P1")):
        read = is_answered(await desk.get(who, "/v1/accounts/P1"), AccountReply)
        name = "王某" if who.role is Role.PERSON else "王*"
        assert answer | {"name": name} == read


async def test_a_person_has_one_account(desk: Desk) -> None:
    """Neither number opens a second account, and a repeated request is a repeat."""
    body = an_opening("P1", cert_no=CANARY_ID)
    first = await desk.post(AGENCY, "/v1/accounts", body, "k1")
    again = await desk.post(AGENCY, "/v1/accounts", body, "k1")

    assert (first.content, "true") == (again.content, again.headers["idempotency-replayed"])
    for other in (an_opening("P1"), an_opening("P2", cert_no=CANARY_ID)):
        is_refused(await desk.post(AGENCY, "/v1/accounts", other), 409, "ACCOUNT_EXISTS")
    changed = body | {"name": "李某"}
    refused = await desk.post(AGENCY, "/v1/accounts", changed, "k1")
    is_refused(refused, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_money_goes_into_its_bucket(desk: Desk) -> None:
    """Credits add up by bucket; each moves version and position by one."""
    await an_account(desk, "P1")
    before = (await desk.get(AGENCY, "/v1/accounts/P1")).json()
    path = "/v1/accounts/P1/credits"
    await desk.post(AGENCY, path, {"amount": "300.00", "bucket": "current"})
    credited = await desk.post(AGENCY, path, {"amount": "0.01", "bucket": "prior"}, "k1")

    answer = is_answered(credited, AccountReply, 201)
    assert {"current": "300.00", "prior": "0.01", "held": "0.00", "available": "300.01"} == (
        answer["balance"]
    )
    assert (2, 2) == tuple(answer[name] - before[name] for name in ("version", "position"))
    again = await desk.post(AGENCY, path, {"bucket": "prior", "amount": "0.01"}, "k1")
    assert credited.content == again.content
    assert "300.01" == await desk.balance("P1")


async def test_a_residents_account_holds_no_money(desk: Desk) -> None:
    """A credit to a resident is refused, finally for its key."""
    await an_account(desk, "P1", insurance="resident")
    credit = {"amount": "1.00"}
    refused = await desk.post(AGENCY, "/v1/accounts/P1/credits", credit, "k1")

    is_refused(refused, 409, "NO_FUNDS")
    again = await desk.post(AGENCY, "/v1/accounts/P1/credits", credit, "k1")
    assert untraced(refused) == untraced(again)


STATUSES = (
    "normal",
    "retired",
    "suspended",
    "arrears",
    "frozen",
    "deceased",
    "transferred",
    "closed",
)


@pytest.mark.parametrize("status", STATUSES)
async def test_an_account_may_begin_as_anything(desk: Desk, status: str) -> None:
    """An account can be opened with every status of the import lines."""
    opened = await desk.post(AGENCY, "/v1/accounts", an_opening("P1", status=status))

    assert status == is_answered(opened, AccountReply, 201)["status"]


@pytest.mark.parametrize("status", STATUSES[1:])
async def test_an_account_may_become_anything(desk: Desk, status: str) -> None:
    """NORMAL leads to every status; an ending is final."""
    await an_account(desk, "P1", "10.00")
    await an_account(desk, "P2")
    body = {"status": status, "reason": "told", "effective_on": "2026-03-01", "successor": "P2"}
    changed = await desk.post(AGENCY, "/v1/accounts/P1/status", body)

    answer = is_answered(changed, AccountReply, 201)
    assert status == answer["status"]
    is_ended = status in ("deceased", "transferred", "closed")
    assert ("0.00" if is_ended or status == "frozen" else "10.00") == answer["balance"]["available"]
    again = await desk.post(AGENCY, "/v1/accounts/P1/status", {"status": status})
    problem = is_refused(again, 409, "ACCOUNT_ENDED" if is_ended else "STATUS_UNCHANGED")
    assert status.upper() == problem["current_status"]


async def test_a_frozen_account_thaws(desk: Desk) -> None:
    """After the freeze is lifted the money is available again."""
    await an_account(desk, "P1", "10.00")
    for status, available in (("frozen", "0.00"), ("normal", "10.00")):
        changed = await desk.post(AGENCY, "/v1/accounts/P1/status", {"status": status})
        assert available == is_answered(changed, AccountReply, 201)["balance"]["available"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/accounts/{}", None),
        ("/v1/accounts/{}/deduction-order", None),
        ("/v1/accounts/{}/credits", {"amount": "1.00"}),
        ("/v1/accounts/{}/status", {"status": "frozen"}),
    ],
)
async def test_a_foreign_account_looks_like_none(
    desk: Desk, path: str, body: dict[str, Any] | None
) -> None:
    """Another region's account and an unknown number get the same 404."""
    await an_account(desk, "P1", "10.00")
    answers = []
    for number in ("P1", "NOBODY", "%00"):
        there = path.format(number)
        asked = (
            desk.post(AGENCY_ELSEWHERE, there, body) if body else desk.get(AGENCY_ELSEWHERE, there)
        )
        answers.append(await asked)

    is_refused(answers[0], 404, "NOT_FOUND")
    assert untraced(answers[0]) == untraced(answers[1]) == untraced(answers[2])


async def test_a_person_reads_his_own_account_alone(desk: Desk) -> None:
    """A person does not even read the sponsor's account."""
    await a_family(desk)
    for number in ("S1", "NOBODY"):
        is_refused(await desk.get(a_person("P1"), f"/v1/accounts/{number}"), 404, "NOT_FOUND")


@pytest.mark.parametrize("who", [HOSPITAL, OPERATOR, a_person("P1")], ids=lambda w: w.role)
async def test_only_an_agency_opens_and_credits(desk: Desk, who: Who) -> None:
    """Other roles are refused, and nothing changes."""
    await an_account(desk, "P1")
    before = desk.stands()
    for path, body in (
        ("", an_opening("N1")),
        ("/P1/credits", {"amount": "1.00"}),
        ("/P1/status", {"status": "frozen"}),
    ):
        is_refused(await desk.post(who, f"/v1/accounts{path}", body), 403, "NOT_PERMITTED")
    assert before == desk.stands()


async def test_a_region_needs_rules_and_a_code_is_not_a_prefix(desk: Desk) -> None:
    """No account without an edition in force; agency 99 is not one of 990000."""
    unruled = await desk.post(NATION, "/v1/accounts", an_opening("P1", region="810000"))
    is_refused(unruled, 422, "NO_EDITION")
    await an_account(desk, "P2")
    near = Who(AGENCY.role, "near", "9900")

    is_refused(await desk.get(near, "/v1/accounts/P2"), 404, "NOT_FOUND")


async def test_an_order_is_set_read_and_guarded_by_its_version(desk: Desk) -> None:
    """The beneficiary orders the sponsors; a stale version is refused."""
    await a_family(desk)
    await an_account(desk, "S2", "9.00")
    await a_binding(desk, "S2", "P1", "child")
    unset = is_answered(await desk.get(a_person("P1"), ORDER), OrderReply)
    assert (None, 0) == (unset["sponsors"], unset["version"])
    body = {"sponsors": ["S2", "S1"], "version": 0}
    put = await desk.send("PUT", a_person("P1"), ORDER, body, {"Idempotency-Key": "k1"})

    assert (["S2", "S1"], 1) == tuple(
        is_answered(put, OrderReply)[name] for name in ("sponsors", "version")
    )
    again = await desk.send("PUT", a_person("P1"), ORDER, body, {"Idempotency-Key": "k1"})
    assert (put.content, "true") == (again.content, again.headers["idempotency-replayed"])
    stale = await desk.send("PUT", a_person("P1"), ORDER, body)
    assert 1 == is_refused(stale, 409, "VERSION_STALE")["version"]
    for who in (AGENCY, AUDITOR):
        assert ["S2", "S1"] == (await desk.get(who, ORDER)).json()["sponsors"]
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    assert ["20.00", "9.00", "35.25"] == [payer["amount"] for payer in settled.json()["payers"]]


async def test_a_release_and_a_new_binding_move_the_order_and_its_version(desk: Desk) -> None:
    """Who is released is gone, who is bound again stands last; each time who read before is late.

    The binding of a family's first sponsor is known by its id, the others by their numbers.
    """
    binding = await a_family(desk)
    await an_account(desk, "S2", "9.00")
    await a_binding(desk, "S2", "P1", "child")
    mine = a_person("P1")
    body = {"sponsors": ["S1", "S2"], "version": 0}
    is_answered(await desk.send("PUT", mine, ORDER, body), OrderReply)

    await desk.post(a_person("S1"), f"/v1/bindings/{binding}/release", {"reason": "told"})
    released = is_answered(await desk.get(mine, ORDER), OrderReply)
    assert (["S2"], 2) == (released["sponsors"], released["version"])
    late = await desk.send("PUT", mine, ORDER, {"sponsors": ["S2"], "version": 1})
    assert 2 == is_refused(late, 409, "VERSION_STALE")["version"]

    await a_binding(desk, "S1", "P1", "spouse")
    again = is_answered(await desk.get(mine, ORDER), OrderReply)
    assert (["S2", "S1"], 3) == (again["sponsors"], again["version"])
    put = await desk.send("PUT", mine, ORDER, {"sponsors": ["S1"], "version": 3})
    assert (["S1", "S2"], 4) == tuple(
        is_answered(put, OrderReply)[name] for name in ("sponsors", "version")
    )


async def test_only_whom_the_region_names_sets_the_order(desk: Desk) -> None:
    """The beneficiary and the agency may; a sponsor may not, a stranger sees nothing."""
    await a_family(desk)
    await an_account(desk, "X1")
    body = {"sponsors": ["S1"], "version": 0}

    is_refused(await desk.send("PUT", a_person("S1"), ORDER, body), 403, "NOT_PERMITTED")
    is_refused(await desk.send("PUT", a_person("X1"), ORDER, body), 404, "NOT_FOUND")
    is_refused(await desk.send("PUT", AGENCY_ELSEWHERE, ORDER, body), 404, "NOT_FOUND")
    is_refused(await desk.send("PUT", HOSPITAL, ORDER, body), 403, "NOT_PERMITTED")
    is_answered(await desk.send("PUT", AGENCY, ORDER, body), OrderReply)


async def test_an_agency_opens_where_it_is(desk: Desk) -> None:
    """The same body opens an account in the agency's own region only."""
    there = an_opening("P1", region=ELSEWHERE)

    is_refused(await desk.post(AGENCY, "/v1/accounts", there), 404, "NOT_FOUND")
    is_answered(await desk.post(AGENCY_ELSEWHERE, "/v1/accounts", there), AccountReply, 201)
