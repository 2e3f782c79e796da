"""Every request example of the OpenAPI document works as it is shown, each on a fresh demo."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from aggregates.vocabulary import BEIJING
from api.app import plain_app
from api.demo.run import tell_a_day
from service.caller import Role
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from service.read_models.reader import ReadModels
from tests.api.clients import (
    BOOK,
    LEDGER_KEYS,
    NATION,
    Desk,
    NoFollower,
    Who,
    a_person,
    at_a_desk,
)
from tests.api.taxes import TaxOnASocket
from tests.cases.outcome import StoppedClock

DOCUMENT: dict[str, Any] = json.loads(json.dumps(plain_app().openapi()))
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if "requestBody" in operation
}
NOW = datetime(2026, 12, 1, 10, 20, tzinfo=BEIJING)
"""Family pools have begun where the demo has them, and next year's premiums may be paid."""
HOSPITAL, OTHER = (Who(Role.INSTITUTION, code) for code in ("H54250000001", "H99000000001"))
OFFICER = Who(Role.AGENCY, "officer-2", "*")
CALLERS = {
    "callService": OTHER,
    "showOwnCode": a_person("DEMO01"),
    "approveCorrection": OFFICER,
    "rejectCorrection": OFFICER,
    "confirmBinding": a_person("DEMO31"),
    "declineBinding": a_person("DEMO31"),
    "confirmLink": a_person("DEMO01"),
    "activateLink": a_person("DEMO02"),
    "showMemberCode": a_person("DEMO02"),
    **dict.fromkeys(
        (
            *("quoteClaim", "settleClaim", "cancelSettlement", "refundSettlement"),
            *("replaceSettlement", "reverseCommand", "holdClaim", "captureHold", "releaseHold"),
            "settleBatch",
        ),
        HOSPITAL,
    ),
}
"""Who asks, where it is not an agency."""
BEFORE = {
    "approveCorrection": ["proposeCorrection"],
    "rejectCorrection": ["proposeCorrection"],
    "changeGrant": ["inviteBeneficiary", "confirmBinding"],
    "confirmBinding": ["inviteBeneficiary"],
    "declineBinding": ["inviteBeneficiary"],
    "releaseBinding": ["inviteBeneficiary", "confirmBinding"],
    "confirmLink": ["openLink"],
    "activateLink": ["openLink", "confirmLink"],
    "showMemberCode": ["openLink", "confirmLink", "activateLink"],
    "closeLink": ["openLink"],
    "cancelSettlement": ["settleClaim"],
    "refundSettlement": ["settleClaim"],
    "replaceSettlement": ["settleClaim"],
    "captureHold": ["holdClaim"],
    "releaseHold": ["holdClaim"],
    "reversePremium": ["payPremium"],
    "transferToPool": ["creditAccount", "openPool"],
    "withdrawFromPool": ["creditAccount", "openPool", "transferToPool"],
}
"""The examples whose answers give the ids in an example's path."""
WAITS = {"reversePremium": timedelta(hours=2)}
"""A premium is reversed two hours after it was paid, or later."""
NOT_HERE = {
    "startReplay": "needs a database; tests/api/audit/test_replays.py",
    "startRehearsal": "needs a database; tests/api/audit/test_rehearsals.py",
    "reconcileDay": "needs read models; tests/api/reconciliation",
    "payOutSuspense": "needs money kept aside, which only a return to an ended account makes",
    "reviewChronicFiling": "needs a filing, which only the national message 2503 makes",
    "reviewDocument": "needs a region whose agency reviews documents",
    "reviewLink": "needs a minor, whose ID number the demo does not have",
    "cosignCheckpoint": "needs the signature of a witness's own key",
}


class Demo(NamedTuple):
    """A desk on the ledger after the demo's day; `put_back` makes it fresh again."""

    desk: Desk
    put_back: Callable[[], None]


async def a_demo() -> MemoryStore:
    """The ledger of `./gongji run` after the demo's day."""
    store = MemoryStore()
    context = furnish(store, LEDGER_KEYS, BOOK, a_clock())
    await publish(context)
    await tell_a_day(context)
    await context.close()
    return store


def a_clock() -> StoppedClock:
    clock = StoppedClock()
    clock.at = NOW
    return clock


def saved(store: MemoryStore) -> Callable[[], None]:
    """What puts a ledger back to how it is now."""
    log, wrapped = [*store.log], dict(store.wrapped)
    heads, keys, names = dict(store.heads), dict(store.keys), dict(store.names)

    def put_back() -> None:
        store.log, store.wrapped = [*log], dict(wrapped)
        store.heads, store.keys, store.names = dict(heads), dict(keys), dict(names)

    return put_back


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """A desk on the demo's ledger, with a stand-in for the tax authority."""
    store, clock, tax = await a_demo(), a_clock(), TaxOnASocket()
    context = furnish(store, LEDGER_KEYS, BOOK, clock)
    context.tax = await tax.side()
    models, place = ReadModels(None, NoFollower()), tmp_path_factory.mktemp("demo")
    async with at_a_desk(context, models, clock, place) as desk:
        yield Demo(desk, saved(store))
    await context.close()
    await tax.close()


async def send(
    desk: Desk, name: str, told: dict[str, Any], *, is_keyed: bool = True
) -> httpx.Response:
    """Send an operation's example; ids in its path are those of the answers before."""
    method, path, operation = OPERATIONS[name]
    named = operation.get("parameters", ())
    for parameter in named:
        if parameter["in"] == "path":
            value = told.get(parameter["name"], parameter["example"])
            path = path.replace(f"{{{parameter['name']}}}", value)
    body = operation["requestBody"]["content"]["application/json"]["example"]
    takes_key = any(parameter["name"] == "Idempotency-Key" for parameter in named)
    headers = {"Idempotency-Key": name} if is_keyed and takes_key else {}
    if any(parameter["name"] == "Gongji-Purpose" for parameter in named):
        headers["Gongji-Purpose"] = "counter"
    return await desk.send(method, CALLERS.get(name, NATION), path, body, headers)


async def test_every_example_works_as_shown(demo: Demo) -> None:
    """Each is answered with 2xx on a fresh demo, after those that give its ids."""
    refused = []
    for name in OPERATIONS.keys() - NOT_HERE.keys():
        demo.put_back()
        told: dict[str, Any] = {}
        for step in (*BEFORE.get(name, ()), name):
            demo.desk.clock.at += WAITS.get(step, timedelta())
            answer = await send(demo.desk, step, told)
            ids = {m: v for m, v in answer.json().items() if m.endswith("_id")}
            told |= {m: v for m, v in ids.items() if v is not None}
            if answer.status_code >= 300 or answer.json().get("infcode", 0) != 0:
                refused.append((name, step, answer.status_code, answer.text[-200:]))

    assert [] == refused
    assert set() == (NOT_HERE.keys() | BEFORE.keys()) - OPERATIONS.keys()


async def test_a_key_is_required_where_the_document_says_so(demo: Demo) -> None:
    """Without a key a POST that takes one is refused with 400, and a PUT or PATCH is not."""
    demo.put_back()
    for name, (method, _, operation) in OPERATIONS.items():
        keys = [p for p in operation.get("parameters", ()) if p["name"] == "Idempotency-Key"]
        if keys:
            answer = await send(demo.desk, name, {}, is_keyed=False)
            is_refused = answer.json().get("code") == "IDEMPOTENCY_KEY_REQUIRED"
            assert is_refused == keys[0]["required"] == (method == "POST"), name
