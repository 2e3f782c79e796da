"""A registered parent may see what they may do for their child (D29)."""

from typing import Any

import pytest

from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    Desk,
    a_claim,
    a_family,
    a_person,
    an_account,
    is_refused,
    untraced,
)

CHILD_ID, GROWN_ID = "110105201505010025", "110105199005010024"
F1, X1 = a_person("F1"), a_person("X1")
READS = (
    "/v1/accounts/{}",
    "/v1/accounts/{}/deduction-order",
    "/v1/accounts/{}/entries",
    "/v1/accounts/{}/bills",
    "/v1/credential-links?person_no={}",
    "/v1/bindings?person_no={}",
)


async def a_household(desk: Desk) -> str:
    """A minor with a bill, an adult child, their registered parent, a stranger; the bill."""
    await a_family(desk)
    await an_account(desk, "C1", "30.00", cert_no=CHILD_ID)
    await an_account(desk, "C2", "30.00", cert_no=GROWN_ID)
    await an_account(desk, "F1", "500.00")
    await an_account(desk, "X1")
    for child in ("C1", "C2"):
        fact = {"person_no": child, "relative": "F1", "relation": "parent"}
        assert 201 == (await desk.post(AGENCY, "/v1/kinships", fact)).status_code
    bill = a_claim(beneficiary={"type": "person_no", "value": "C1"})
    settled = await desk.post(HOSPITAL, "/v1/settlements", bill)
    return f"/v1/settlements/{settled.json()['settlement_id']}"


async def test_a_parent_reads_the_order_that_he_sets(desk: Desk) -> None:
    """A parent may both set and see a minor's deduction order."""
    await a_household(desk)
    path = "/v1/accounts/C1/deduction-order"
    set_by_him = await desk.send("PUT", F1, path, {"sponsors": [], "version": 0})
    read_by_him = await desk.get(F1, path)

    assert (200, 200) == (set_by_him.status_code, read_by_him.status_code)
    assert set_by_him.json()["version"] == read_by_him.json()["version"]


@pytest.mark.parametrize("path", READS)
async def test_a_parent_reads_what_his_child_reads(desk_on_postgres: Desk, path: str) -> None:
    """A minor's parent sees the same; an adult's parent and strangers get 404."""
    desk = desk_on_postgres
    await a_household(desk)
    mine = await desk.get(a_person("C1"), path.format("C1"))
    his = await desk.get(F1, path.format("C1"))

    assert 200 == mine.status_code == his.status_code
    assert mine.json() == his.json()
    for who, number in ((F1, "C2"), (X1, "C1"), (F1, "P1")):
        foreign = await desk.get(who, path.format(number))
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(await desk.get(who, path.format("NOBODY")))


async def test_a_parent_reads_his_child_s_bill(desk: Desk) -> None:
    """A minor's parent sees the bill as the patient does; strangers do not."""
    bill = await a_household(desk)
    bills: list[dict[str, Any]] = [
        (await desk.get(who, bill)).json() for who in (a_person("C1"), F1)
    ]

    assert bills[0] == bills[1]
    assert "30.00" == bills[0]["own"]
    is_refused(await desk.get(X1, bill), 404, "NOT_FOUND")
