"""A full account: a return that would overflow it is refused as out of range."""

import pytest

from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    Desk,
    a_settlement,
    an_account,
    an_institution,
    is_refused,
)

MOST = "90000000000000.00"


@pytest.mark.parametrize("amount", ["90000000000000.01", "99999999999999.99"])
async def test_no_amount_is_more_than_the_most(desk: Desk, amount: str) -> None:
    """Credits, corrections, bills and caps: refused with the same code by the HTTP layer."""
    await an_institution(desk)
    await an_account(desk, "P1", MOST)
    path = "/v1/accounts/P1/credits"
    is_refused(await desk.post(AGENCY, path, {"amount": amount}), 422, "AMOUNT_OUT_OF_RANGE")
    wrong = {"person_no": "P1", "bucket": "prior", "amount": f"-{amount}", "reason": "slip"}
    is_refused(await desk.post(AGENCY, "/v1/corrections", wrong), 422, "AMOUNT_OUT_OF_RANGE")


@pytest.mark.parametrize("way", ["cancellation", "refunds", "reversals"])
async def test_a_return_never_overflows(desk: Desk, way: str) -> None:
    """422, not a retry; nothing changes, and money that is spent makes room."""
    await an_institution(desk)
    await an_account(desk, "P1", MOST)
    settled = await a_settlement(desk, "bill", fund_pay="0.00")
    path = f"/v1/settlements/{settled['settlement_id']}/{way}"
    body: dict[str, str] = {"amount": "128.50"} if way == "refunds" else {}
    if way == "reversals":
        path, body = "/v1/reversals", {"key": "bill"}
    credited = await desk.post(AGENCY, "/v1/accounts/P1/credits", {"amount": "128.50"})
    assert 201 == credited.status_code
    stands = desk.stands()
    is_refused(await desk.post(HOSPITAL, path, body, "back"), 422, "AMOUNT_OUT_OF_RANGE")
    assert stands == desk.stands()
    await a_settlement(desk, visit="mdtrt-2", fund_pay="0.00")

    assert 2 == (await desk.post(HOSPITAL, path, body, "back")).status_code // 100
    assert MOST == await desk.balance("P1")
