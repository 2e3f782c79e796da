"""A repeated request gets the same bytes; a header gives the present status."""

from typing import Any

import httpx
import pytest

from api.app import plain_app
from tests.api.clients import HOSPITAL, Desk, a_claim, a_family, a_settlement

PATH = "/v1/settlements"
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "cancelled": ("/v1/settlements/{}/cancellation", {"reason": "slip"}),
    "part_refunded": ("/v1/settlements/{}/refunds", {"amount": "1.00"}),
    "reversed": ("/v1/reversals", {"key": "bill"}),
}


def untold(answer: httpx.Response) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k != "gongji-since"}


async def repeats(desk: Desk) -> list[httpx.Response]:
    """The repeated bill, at the hot route and at the plain one."""
    headers = {"Idempotency-Key": "bill"} | desk.bearer(HOSPITAL)
    return [
        await api.post(PATH, json=a_claim(), headers=headers) for api in (desk.front, desk.behind)
    ]


@pytest.mark.parametrize("status", WAYS)
async def test_a_repeat_says_what_happened_since(desk: Desk, status: str) -> None:
    """No header while the settlement is as it was answered; else its status."""
    await a_family(desk)
    settled = await a_settlement(desk, "bill")
    before = await repeats(desk)
    assert all("gongji-since" not in answer.headers for answer in before)
    path, body = WAYS[status]
    done = await desk.post(HOSPITAL, path.format(settled["settlement_id"]), body)
    assert done.status_code in (200, 201), done.text
    after = await repeats(desk)

    assert [status, status] == [answer.headers["gongji-since"] for answer in after]
    assert [one.content for one in before] == [one.content for one in after]
    assert [untold(one) for one in before] == [untold(one) for one in after]
    assert {201} == {one.status_code for one in after}


@pytest.mark.parametrize("status", WAYS)
async def test_a_batch_says_it_beside_each_repeat(desk: Desk, status: str) -> None:
    """`since` is in the item if the status changed; the settlement has the same bytes."""
    await a_family(desk)
    batch = {"claims": [a_claim(key="bill"), a_claim(key="other", visit="m-2")]}
    first = (await desk.post(HOSPITAL, f"{PATH}:batch", batch)).json()["items"]
    calm = (await desk.post(HOSPITAL, f"{PATH}:batch", batch)).json()["items"]
    path, body = WAYS[status]
    settled = first[0]["settlement"]
    await desk.post(HOSPITAL, path.format(settled["settlement_id"]), body)
    again = (await desk.post(HOSPITAL, f"{PATH}:batch", batch)).json()["items"]

    assert all("since" not in item for item in (*first, *calm, again[1]))
    assert (status, True) == (again[0]["since"], again[0]["replayed"])
    assert settled == again[0]["settlement"]


def test_the_header_is_described() -> None:
    """The document has it wherever a settlement's answer may be replayed."""
    document = plain_app().openapi()
    paths, headers = document["paths"], document["components"]["headers"]
    assert set(WAYS) == set(headers["Gongji-Since"]["schema"]["enum"])
    for path in (
        PATH,
        "/v1/settlements/{settlement_id}/replacement",
        "/v1/holds/{hold_id}/capture",
    ):
        answer = paths[path]["post"]["responses"]["201"]
        told = answer["headers"]["Gongji-Since"]
        assert {"$ref": "#/components/headers/Gongji-Since"} == told, path
        assert "application/json" in answer["content"]


async def test_a_captured_hold_says_it_too(desk: Desk) -> None:
    """A replayed capture has the header too."""
    await a_family(desk)
    held = (await desk.post(HOSPITAL, "/v1/holds", a_claim())).json()
    path = f"/v1/holds/{held['hold_id']}/capture"
    first = await desk.post(HOSPITAL, path, {}, "capture")
    await desk.post(HOSPITAL, "/v1/reversals", {"key": "capture"})
    again = await desk.post(HOSPITAL, path, {}, "capture")

    assert "gongji-since" not in first.headers
    assert ("reversed", first.content) == (again.headers["gongji-since"], again.content)
