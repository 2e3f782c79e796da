"""An application on a house, called as its clients call it, and the people who call."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from aggregates.vocabulary import BEIJING
from api.app import plain_app, serving
from api.http.dependencies import Api
from api.http.limits.rate_limits import RateLimits
from api.http.tokens import Tokens, days_from_now, issue, make_issuer
from projections.kit.table import Table
from service.caller import Role
from service.context import ServiceContext, furnish
from service.ledger.memory_store import MemoryStore
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.read_models.follower import Follower
from service.read_models.lag import follower_reasons
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyBook, load
from service.vault import Vault
from tests.cases.outcome import StoppedClock
from tests.cases.world import changed

REGIONS = Path(__file__).parents[2] / "service" / "regions"
BOOK = load(REGIONS)
HOME, ELSEWHERE = "990000", "542500"
NOW = datetime(2026, 3, 2, 10, 20, tzinfo=BEIJING)
CANARY_ID, CANARY_NAME = "11010519491231002X", "金丝雀丙"
LEDGER_KEYS = Vault(bytes(32), bytes(32))
KEYS = (f"key-{number}" for number in itertools.count())


class Who(NamedTuple):
    """What a token says of its holder."""

    role: Role
    subject: str
    region: str | None = None


AGENCY = Who(Role.AGENCY, "a1", HOME)
AGENCY_ELSEWHERE = Who(Role.AGENCY, "a2", ELSEWHERE)
NATION = Who(Role.AGENCY, "nation", "*")
HOSPITAL = Who(Role.INSTITUTION, "H99000000001")
PHARMACY = Who(Role.INSTITUTION, "P99000000001")
AUDITOR = Who(Role.AUDITOR, "auditor")
OPERATOR = Who(Role.OPERATOR, "operator")


def a_person(number: str) -> Who:
    return Who(Role.PERSON, number)


def a_book(region: str = HOME, **changes: object) -> PolicyBook:
    """The shipped book with some keys of a region's newest edition changed: `binding__uses`."""
    stated = {path.replace("__", "."): value for path, value in changes.items()}
    *older, newest = BOOK.editions(region)
    edition = replace(changed(newest, stated), id=f"{region}/changed")
    return replace(BOOK, by_region={**BOOK.by_region, region: (*older, edition)})


class NoFollower:
    """Nobody follows a ledger in memory."""

    async def wait_for(self, position: int, timeout_s: float, *_models: Table) -> bool:
        """Never come that far."""
        return position < 0 < timeout_s

    async def position(self, *_models: Table) -> int:
        """Stand at the beginning."""
        return 0


@dataclass(slots=True)
class Desk:
    """Where clients come: the application in front, and the plain routes behind the hot one."""

    context: ServiceContext
    clock: StoppedClock
    issuer: Path
    front: httpx.AsyncClient
    behind: httpx.AsyncClient
    tokens: dict[Who, str] = field(default_factory=dict)
    limits: RateLimits = field(default_factory=RateLimits)

    def bearer(self, who: Who) -> dict[str, str]:
        """The Authorization header of a caller."""
        if who not in self.tokens:
            self.tokens[who] = issue(self.issuer, *who, days_from_now(1))
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    async def post(
        self, who: Who, path: str, body: object, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """POST an object or raw bytes, under a fresh key where none is given."""
        named = {"Idempotency-Key": next(KEYS) if key is None else key}
        return await self.send("POST", who, path, body, named | headers)

    async def send(
        self, method: str, who: Who, path: str, body: object, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send an object or raw bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json"} | self.bearer(who) | (headers or {})
        return await self.front.request(method, path, content=raw, headers=told)

    async def get(self, who: Who, path: str, **headers: str) -> httpx.Response:
        """GET."""
        return await self.front.get(path, headers=self.bearer(who) | headers)

    async def balance(self, number: str) -> str:
        """What is on an account, both buckets together."""
        shown = await self.get(NATION, f"/v1/accounts/{number}")
        return str(shown.json()["balance"]["available"])

    def stands(self) -> tuple[object, ...]:
        """Everything the ledger in memory holds: every version, balance, name and used key."""
        store = self.context.store
        assert isinstance(store, MemoryStore), "only memory is compared whole"
        return len(store.log), dict(store.heads), dict(store.names), set(store.keys)


IDLE_APPS: list[FastAPI] = []
"""Applications of closed desks. The first request of a new one takes a tenth of a second."""


@asynccontextmanager
async def at_a_desk(
    context: ServiceContext, read_models: ReadModels, clock: StoppedClock, place: Path
) -> AsyncIterator[Desk]:
    """Open a desk on a house, with an issuer of tokens in a directory."""
    issuer = place / "issuer.json"
    make_issuer(issuer)
    await publish(context)
    api = Api(context, Tokens(issuer, context.vault), read_models)
    plain = IDLE_APPS.pop() if IDLE_APPS else plain_app()
    app = serving(plain, api)
    async with (
        httpx.AsyncClient(transport=_to(app), base_url="http://desk") as front,
        httpx.AsyncClient(transport=_to(plain), base_url="http://desk") as behind,
    ):
        yield Desk(context, clock, issuer, front, behind, limits=api.limits)
    IDLE_APPS.append(plain)


@asynccontextmanager
async def a_desk_on_memory(place: Path, book: PolicyBook = BOOK) -> AsyncIterator[Desk]:
    """A desk on a ledger in memory."""
    clock = StoppedClock()
    clock.at = NOW
    context = furnish(MemoryStore(), LEDGER_KEYS, book, clock)
    async with at_a_desk(context, ReadModels(None, NoFollower()), clock, place) as desk:
        yield desk
    await context.close()


@asynccontextmanager
async def a_desk_on_postgres(dsn: str, place: Path, book: PolicyBook = BOOK) -> AsyncIterator[Desk]:
    """A desk on a migrated PostgreSQL, with lists that follow."""
    clock = StoppedClock()
    clock.at = NOW
    store = PostgresStore(dsn)
    await store.open()
    context = furnish(store, LEDGER_KEYS, book, clock)
    follower = Follower(dsn, store.pool)
    context.appender.on_landed = follower.wake
    await follower.start()
    context.readiness.add("follower", partial(follower_reasons, store.pool, clock))
    async with at_a_desk(context, ReadModels(store.pool, follower), clock, place) as desk:
        yield desk
    await follower.close()
    await context.close()


def _to(app: Any) -> httpx.ASGITransport:  # noqa: ANN401 -- two spellings of ASGI
    return httpx.ASGITransport(app=app, raise_app_exceptions=False)


# ---------------------------------------------------------------- the people


def an_opening(number: str, **changes: object) -> dict[str, Any]:
    return {
        "person_no": number,
        "name": "王某",
        "cert_no": f"ID-{number.upper().replace('_', '-')}",
        "insurance": "employee",
        "region": HOME,
    } | changes


async def an_account(desk: Desk, number: str, amount: str = "0.00", **changes: object) -> None:
    opened = await desk.post(NATION, "/v1/accounts", an_opening(number, **changes))
    assert 201 == opened.status_code, opened.text
    if amount != "0.00":
        credited = await desk.post(NATION, f"/v1/accounts/{number}/credits", {"amount": amount})
        assert 201 == credited.status_code, credited.text


async def an_institution(desk: Desk, who: Who = HOSPITAL, **changes: object) -> None:
    body = {
        "code": who.subject,
        "name": "第一人民医院",
        "class": "hospital",
        "region": HOME,
    } | changes
    put = await desk.send("PUT", NATION, f"/v1/institutions/{who.subject}", body)
    assert 200 == put.status_code, put.text


def an_offer(beneficiary: str, relation: str = "spouse", **changes: object) -> dict[str, Any]:
    evidence = {"kind": "document", "reference": "HK-1"}
    return {"beneficiary": beneficiary, "relation": relation, "evidence": evidence} | changes


async def a_binding(desk: Desk, sponsor: str, beneficiary: str, relation: str = "spouse") -> str:
    offer = an_offer(beneficiary, relation)
    invited = await desk.post(a_person(sponsor), "/v1/bindings", offer)
    assert 201 == invited.status_code, invited.text
    binding_id = str(invited.json()["binding_id"])
    said_yes = await desk.post(a_person(beneficiary), f"/v1/bindings/{binding_id}/confirmation", {})
    assert 201 == said_yes.status_code, said_yes.text
    return binding_id


async def a_family(desk: Desk) -> str:
    """A patient P1 with 20.00 and his spouse S1 with 500.00, and a hospital; the binding."""
    await an_institution(desk)
    await an_account(desk, "P1", "20.00", name=CANARY_NAME, cert_no=CANARY_ID)
    await an_account(desk, "S1", "500.00")
    return await a_binding(desk, "S1", "P1")


def a_claim(**changes: object) -> dict[str, Any]:
    return {
        "beneficiary": {"type": "person_no", "value": "P1"},
        "visit": "mdtrt-1",
        "charge_batch": "1",
        "med_type": "11",
        "treated_at": "2026-03-02T10:15:00+08:00",
        "total": "128.50",
        "fund_pay": "64.25",
    } | changes


async def a_settlement(desk: Desk, key: str | None = None, **changes: object) -> dict[str, Any]:
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim(**changes), key)
    assert 201 == settled.status_code, settled.text
    answer: dict[str, Any] = settled.json()
    return answer


# ---------------------------------------------------------------- what is promised


def is_answered(response: httpx.Response, model: type[BaseModel], status: int = 200) -> Any:  # noqa: ANN401 -- JSON
    """A happy answer: its status, its exact members, and its position in body and header."""
    assert status == response.status_code, response.text
    answer = response.json()
    assert set() == set(answer) - set(_names(model)), "no member beyond the model"
    model.model_validate(answer)
    if "position" in answer:
        assert str(answer["position"]) == response.headers["gongji-position"]
    assert "no-store" == response.headers["cache-control"]
    return answer


def is_refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A problem as RFC 9457 and the contract have it, with nothing applied."""
    problem: dict[str, Any] = response.json()
    assert (status, code) == (response.status_code, problem.get("code")), response.text
    assert "application/problem+json" == response.headers["content-type"]
    assert f"/problems/{code.lower().replace('_', '-')}" == problem["type"]
    assert status == problem["status"]
    assert "not_applied" == problem["outcome"]
    for member in ("title", "detail", "instance", "trace_id"):
        assert isinstance(problem[member], str)
        assert problem[member]
    assert ("field" in problem) == ("errors" in problem), response.text
    if "field" in problem:
        assert problem["field"] == problem["errors"][0]["field"]
    return problem


def untraced(response: httpx.Response) -> tuple[int, dict[str, Any]]:
    """An answer without what names this one request."""
    body = response.json()
    return response.status_code, {
        k: v for k, v in body.items() if k not in ("trace_id", "instance")
    }


def _names(model: type[BaseModel]) -> set[str]:
    return {f.alias or name for name, f in model.model_fields.items()} | {"changed"}
