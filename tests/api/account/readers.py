"""Clients that read statements and bills, and a bill that changes meanwhile."""

import csv
import io

import httpx

from tests.api.clients import (
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_person,
)

P1, S1, S2 = a_person("P1"), a_person("S1"), a_person("S2")
ENTRIES, BILLS = "/v1/accounts/{}/entries", "/v1/accounts/{}/bills"
CSV = {"Accept": "text/csv"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


async def texts(desk: Desk, who: Who, path: str, **headers: str) -> list[str]:
    """The sentences of a list, newest first."""
    answer = await desk.get(who, path.format(who.subject), **headers)
    assert 200 == answer.status_code, answer.text
    return [item["text"] for item in answer.json()["items"]]


async def give_back(desk: Desk, settlement_id: str, amount: str) -> None:
    body = {"amount": amount, "reason": "one box returned"}
    given = await desk.post(HOSPITAL, f"/v1/settlements/{settlement_id}/refunds", body)
    assert 201 == given.status_code, given.text


async def cancel(desk: Desk, settlement_id: str) -> None:
    path = f"/v1/settlements/{settlement_id}/cancellation"
    cancelled = await desk.post(HOSPITAL, path, {})
    assert 201 == cancelled.status_code, cancelled.text


async def end(desk: Desk, number: str, **body: str) -> None:
    told = {"status": "transferred", "reason": "moved"} | body
    ended = await desk.post(NATION, f"/v1/accounts/{number}/status", told)
    assert 201 == ended.status_code, ended.text


def rows_of(table: httpx.Response) -> list[dict[str, str]]:
    """A table as a spreadsheet reads it."""
    assert 200 == table.status_code, table.text
    assert "text/csv; charset=utf-8" == table.headers["content-type"]
    assert table.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
