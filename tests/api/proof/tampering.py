"""A year of bills in a ledger in memory, as rows, and the means to tamper with them."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aggregates.vocabulary import BEIJING
from service.proof.merkle import Leaf
from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
)

Log = list[Leaf]
Stored = dict[str, Any]
Edit = Callable[[Stored], None]


async def a_year(desk: Desk) -> None:
    """Everything that can happen to bills, over the end of a year."""
    binding = await a_family(desk)
    await an_account(desk, "S2", "300.00")
    second = await a_binding(desk, "S2", "P1", "sibling")
    await done(
        desk, a_person("S2"), f"/v1/bindings/{second}", {"caps": {"per_day": "90.00"}}, "PATCH"
    )
    order = {"sponsors": ["S2", "S1"], "version": 0}
    await done(desk, a_person("P1"), "/v1/accounts/P1/deduction-order", order, "PUT")
    first = await a_settlement(desk, "k1", total="300.00", fund_pay="0.00")
    path = f"/v1/settlements/{first['settlement_id']}"
    await done(desk, HOSPITAL, f"{path}/refunds", {"amount": "33.33"})
    await done(desk, HOSPITAL, f"{path}/cancellation", {})
    await a_settlement(desk, "k2", visit="v2", total="40.00", fund_pay="0.00")
    await done(desk, HOSPITAL, "/v1/reversals", {"key": "k2"}, status=200)
    await done(desk, HOSPITAL, "/v1/reversals", {"key": "never"}, status=200)
    held = await done(desk, HOSPITAL, "/v1/holds", a_claim(visit="v3") | {"expires_in": 3600})
    final = {"total": "100.00", "fund_pay": "64.25"}
    await done(desk, HOSPITAL, f"/v1/holds/{held['hold_id']}/capture", final)
    other = await done(desk, HOSPITAL, "/v1/holds", a_claim(visit="v4") | {"expires_in": 3600})
    await done(desk, HOSPITAL, f"/v1/holds/{other['hold_id']}/release", {})
    await a_settlement(desk, visit="v5", total="70.00", fund_pay="0.00")
    await a_correction(desk)
    await another_year(desk, binding)


async def a_correction(desk: Desk) -> None:
    """Two of the agency put a balance right."""
    wrong = {"person_no": "S1", "bucket": "prior", "amount": "5.00", "reason": "counted twice"}
    proposed = await done(desk, AGENCY, "/v1/corrections", wrong)
    other = Who(AGENCY.role, "a9", AGENCY.region)
    await done(desk, other, f"/v1/corrections/{proposed['correction_id']}/approval", {})


async def another_year(desk: Desk, binding: str) -> None:
    """The year has turned: a bill, a repeat, a release, a death reported late, a return."""
    desk.clock.at = datetime(2027, 1, 4, 9, 0, tzinfo=BEIJING)
    later = {"visit": "v6", "treated_at": "2027-01-04T08:00:00+08:00"}
    paid = await a_settlement(desk, **later)
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(**later))
    assert 409 == again.status_code
    await done(desk, a_person("S1"), f"/v1/bindings/{binding}/release", {"reason": "asked"})
    end = {"status": "deceased", "reason": "reported", "effective_on": "2026-12-30"}
    await done(desk, NATION, "/v1/accounts/S2/status", end)
    await done(desk, HOSPITAL, f"/v1/settlements/{paid['settlement_id']}/cancellation", {})


async def done(
    desk: Desk, who: Who, path: str, body: object, method: str = "POST", status: int = 0
) -> dict[str, Any]:
    """Send, and take no refusal."""
    if method == "POST":
        answer = await desk.post(who, path, body)
    else:
        answer = await desk.send(method, who, path, body)
    assert answer.status_code in (status or 200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


def place(log: Sequence[Leaf], topic: str, which: int = 0) -> int:
    """The index of a row of a topic."""
    return [at for at, leaf in enumerate(log) if leaf.topic == f"{topic}/1"][which]


def edited(log: Log, at: int, edit: Edit) -> Log:
    """The rows, one of them with other content."""
    stored = json.loads(log[at].state)
    edit(stored)
    state = json.dumps(stored, separators=(",", ":"), ensure_ascii=False).encode()
    return [*log[:at], log[at]._replace(state=state), *log[at + 1 :]]


def counted(rows: Sequence[Leaf]) -> Log:
    """Rows with positions and versions that have no gap, whatever they had."""
    versions: dict[bytes, int] = {}
    log: Log = []
    for position, row in enumerate(rows, 1):
        versions[row.stream] = versions.get(row.stream, 0) + 1
        log.append(row._replace(position=position, version=versions[row.stream]))
    return log


def of_event(**changes: object) -> Edit:
    return lambda stored: stored["event"].update(changes)


def without(log: Log, at: int) -> Log:
    return [*log[:at], *log[at + 1 :]]
