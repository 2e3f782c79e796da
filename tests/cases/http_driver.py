"""Cases over HTTP: plain requests to a server, as agencies, persons and counters send them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import httpx

from aggregates.policy.edition import Edition
from service.adapters.http_client import http_client
from tests.cases.balances import due_in_feed, kept_in, left_in
from tests.cases.http_links import HttpLinks, identity_of
from tests.cases.http_premiums import HttpPremiums, Taxed
from tests.cases.http_refunds_and_holds import HttpLater
from tests.cases.outcome import StoppedClock, credential_of, patient_of, refused, split
from tests.cases.reading import Bound, Person, Step, fen, yuan
from tests.cases.step_commands import amounts_of, cert_no
from tests.cases.world import NotBuiltError, Outcome

AGENCY, AUDITOR = ("agency", "agency"), ("auditor", "auditor")
TREATED_AT = "2020-01-01T00:00:00+08:00"
RULES_WORDS = {"NOT_FOUND": "UNKNOWN"}
"""What the door calls by another name than the rules."""


class Server(Taxed, Protocol):
    """A running service that a case begins anew, and whose clock it sets."""

    clock: StoppedClock

    async def begin(self, editions: tuple[Edition, ...]) -> httpx.AsyncClient:
        """Serve an empty ledger with these rules; a client of it."""
        ...

    async def load(self, line: Mapping[str, object]) -> tuple[str | None, dict[str, Any]]:
        """Import a line: the code of its refusal, and the answer."""
        ...

    def bearer(self, role: str, subject: str) -> dict[str, str]:
        """The Authorization header of a caller."""
        ...


class HttpDriver:
    """A client of a service, the tokens of everybody, and the ids that answers gave."""

    def __init__(self, server: Server) -> None:
        """Begin before anybody called."""
        self.server = server
        self.bindings: dict[str, str] = {}
        self.counter = ""
        self.calls = 0
        self.later = HttpLater(
            lambda path, *sent: self._post(path, self._at_counter(), *sent),
            lambda path, *sent: self._post(path, AGENCY, *sent),
            self._claim,
        )
        self.links = HttpLinks(lambda path, by, *sent: self._post(path, person(by), *sent))
        self.premiums = HttpPremiums(self._send, server)
        self.client = http_client(30)
        self.verbs: Mapping[str, Callable[[Step, Mapping[str, Outcome]], Awaitable[Outcome]]] = {
            "open": self._open,
            "credit": self._credit,
            "status": self._status,
            "flag": self._flag,
            "designate": self._designate,
            "clock": self._set_clock,
            "file": self._file,
            "relate": self._relate,
            "invite": self._invite,
            "confirm": self._answer,
            "decline": self._answer,
            "review": self._review,
            "change": self._change,
            "release": self._release,
            "look": self._look,
            **self.links.verbs,
            "open_pool": self._open_pool,
            "to_pool": self._to_pool,
            "from_pool": self._from_pool,
            "set_order": self._set_order,
            "quote": self._quote,
            "settle": self._settle,
            **self.later.verbs,
            **self.premiums.verbs,
        }

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """A service on an empty ledger, with these rules published."""
        await self.client.aclose()
        self.client = await self.server.begin(editions)

    async def close(self) -> None:
        """Hang up."""
        await self.client.aclose()

    async def left(self, who: str) -> tuple[int, int]:
        """A person's current and prior money in fen."""
        shown = await self._send("GET", f"/v1/accounts/{who}", AGENCY)
        return left_in(shown.content)

    async def to_recover(self, settlement: str) -> int:
        """What the feed of events marks for recovery of a settlement, in fen."""
        told = await self._send("GET", "/v1/events?limit=1000", AUDITOR)
        return due_in_feed(told.text, settlement)

    async def pooled(self, who: str) -> int:
        """What is in a person's family pool, in fen; 0 without one."""
        pool_id = (await self._send("GET", f"/v1/accounts/{who}", AGENCY)).json().get("pool_id")
        if pool_id is None:
            return 0
        return fen((await self._send("GET", f"/v1/pools/{pool_id}", AGENCY)).json()["balance"])

    async def kept_aside(self, who: str) -> int:
        """What came back to a person who may not take it, in fen."""
        shown = await self._send("GET", f"/v1/accounts/{who}", AGENCY)
        return kept_in(shown.content)

    async def do(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        """Do one step."""
        if step.do not in self.verbs:
            raise NotBuiltError(step.do)
        return await self.verbs[step.do](step, before)

    async def _send(
        self, method: str, path: str, who: tuple[str, str], body: object = None, key: str = ""
    ) -> httpx.Response:
        self.calls += 1
        headers = self.server.bearer(*who) | {"Idempotency-Key": key or f"call {self.calls}"}
        return await self.client.request(method, path, headers=headers, json=body)

    async def _post(self, path: str, who: tuple[str, str], body: object, key: str = "") -> Outcome:
        return told(await self._send("POST", path, who, body, key))

    # ------------------------------------------------------------ the world

    async def _open(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        person = step.person or Person()
        body = {
            "person_no": step.who,
            "name": person.name or step.who,
            "cert_no": cert_no(person, self.calls),
            "insurance": person.insurance,
            "region": person.region,
            "flags": [flag.lower() for flag in person.flags],
        }
        return await self._post("/v1/accounts", AGENCY, body)

    async def _credit(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        body = {"amount": step.amount, "bucket": step.bucket}
        return await self._post(f"/v1/accounts/{step.who}/credits", AGENCY, body)

    async def _status(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        body = {
            "status": step.status.lower(),
            "reason": "told",
            "effective_on": day(step.effective_on),
            "successor": step.successor or None,
        }
        return await self._post(f"/v1/accounts/{step.who}/status", AGENCY, body)

    async def _flag(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        body = {"flags": [flag.lower() for flag in step.flags]}
        return told(await self._send("PUT", f"/v1/accounts/{step.who}/flags", AGENCY, body))

    async def _designate(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.counter is not None
        counter = step.counter
        self.counter = counter.code
        body = {
            "code": counter.code,
            "name": "told",
            "class": counter.kind,
            "region": counter.region,
            "status": counter.status,
            "opened_regions": counter.opened_regions,
        }
        return told(await self._send("PUT", f"/v1/institutions/{counter.code}", AGENCY, body))

    async def _set_clock(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.to is not None
        assert step.to >= self.server.clock.at, "time does not run back"
        self.server.clock.at = step.to
        return Outcome()

    async def _file(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        line = {
            "type": "filing",
            "person_no": step.who,
            "place": step.place,
            "kind": step.kind.lower(),
            "from": day(step.since),
            "to": day(step.until),
        }
        return await self._load(line)

    async def _relate(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        relation = step.relation.lower()
        line = {"type": "kinship", "person_no": step.by, "relative": step.who, "relation": relation}
        return await self._load(line)

    async def _load(self, line: Mapping[str, object]) -> Outcome:
        """Files and the register come by import alone; a line twice is another fact here."""
        self.calls += 1
        code, answer = await self.server.load({**line, "reference": f"line-{self.calls}"})
        return split(answer) if code is None else refused(RULES_WORDS.get(code, code), answer)

    async def _open_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        return await self._post("/v1/pools", person(step.who), {}, step.key)

    async def _to_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        path = f"{await self._pool_of(step.who)}/transfers"
        return await self._post(path, person(step.who), {"amount": step.amount}, step.key)

    async def _from_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        path = f"{await self._pool_of(step.who)}/withdrawals"
        return await self._post(path, person(step.by or step.who), {}, step.key)

    async def _pool_of(self, who: str) -> str:
        shown = (await self._send("GET", f"/v1/accounts/{who}", AGENCY)).json()
        return f"/v1/pools/{shown['pool_id']}"

    # ------------------------------------------------------------ bindings

    async def _invite(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.offer is not None
        offer = step.offer
        body = {
            "beneficiary": offer.beneficiary,
            "relation": offer.relation.lower(),
            "valid_from": day(offer.valid_from),
            "rank": offer.rank,
            **grant_of(offer),
        }
        if offer.evidence is not None:
            reference = offer.reference or None
            body["evidence"] = {"kind": offer.evidence.lower(), "reference": reference}
        outcome = await self._post("/v1/bindings", person(step.by or offer.sponsor), body)
        if outcome.refused is None:
            self.bindings[f"{offer.sponsor}>{offer.beneficiary}"] = outcome.subject
        return outcome

    def _path(self, step: Step) -> str:
        return f"/v1/bindings/{self.bindings[step.binding]}"

    async def _answer(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        by = person(step.by or step.binding.partition(">")[2])
        word = "confirmation" if step.do == "confirm" else "decline"
        body = {"order": step.sponsors} if step.sponsors else {}
        return await self._post(f"{self._path(step)}/{word}", by, body)

    async def _review(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        body = {"decision": "reject" if step.status == "reject" else "approve", "reason": "told"}
        return await self._post(f"{self._path(step)}/review", AGENCY, body)

    async def _change(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.offer is not None
        by = person(step.by or step.offer.sponsor)
        return told(await self._send("PATCH", self._path(step), by, grant_of(step.offer)))

    async def _release(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        return await self._post(f"{self._path(step)}/release", person(step.by), {"reason": "told"})

    async def _look(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        return told(await self._send("GET", self._path(step), AGENCY))

    async def _set_order(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        path = f"/v1/accounts/{step.who}/deduction-order"
        seen = (await self._send("GET", path, AGENCY)).json()
        version = seen["version"] if step.version is None else step.version
        body = {"sponsors": step.sponsors, "version": version, "rank": step.rank}
        return told(await self._send("PUT", path, person(step.by or step.who), body))

    # ------------------------------------------------------------ bills

    async def _quote(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        return await self._post("/v1/quotes", self._at_counter(), self._claim(step, before))

    async def _settle(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        claim = self._claim(step, before)
        return await self._post("/v1/settlements", self._at_counter(), claim, step.key)

    def _at_counter(self) -> tuple[str, str]:
        return "institution", self.counter

    def _claim(self, step: Step, before: Mapping[str, Outcome]) -> dict[str, Any]:
        """A bill as the step states it, to the letter."""
        total = yuan(amounts_of(step).total_fen) if step.total is None else step.total
        body: dict[str, Any] = {
            "beneficiary": identity_of(patient_of(step, before)),
            "visit": step.visit or f"visit {step.who} {self.calls}",
            "charge_batch": "1",
            "med_type": step.med_type,
            "treated_at": TREATED_AT,
            "total": total,
            "fund_pay": step.fund,
            "use_account": step.use_account,
            "use_aid": step.use_aid,
        }
        if step.lines is not None:
            names = ("line", "category", "part", "amount")
            numbered = enumerate(step.lines, start=1)
            body["lines"] = [
                dict(zip(names, (str(at), *line), strict=True)) for at, line in numbered
            ]
        if (shown := credential_of(step, before)) is not None:
            body["credential"] = identity_of(shown)
        if step.authoriser:
            body["authoriser_code"] = before[step.authoriser].code
        if step.quoted:
            body["plan_hash"] = before[step.quoted].plan_hash
        return body


def person(who: str) -> tuple[str, str]:
    """Somebody as a caller; "agency" is the nation's."""
    return AGENCY if who == "agency" else ("person", who)


def grant_of(offer: Bound) -> dict[str, Any]:
    """What a sponsor grants."""
    stated = ("per_settlement", "per_day", "per_month", "per_year", "total")
    caps = {name: getattr(offer.caps, name) for name in stated}
    return {
        "uses": offer.uses,
        "caps": {name: None if cap is None else yuan(cap) for name, cap in caps.items()},
        "valid_until": day(offer.valid_until),
    }


def day(on: object) -> str | None:
    """A day as it is sent."""
    return None if on is None else str(on)


def told(response: httpx.Response) -> Outcome:
    """An answer, or a problem by its code."""
    answer = response.json()
    if response.is_success:
        return split(answer)
    assert answer["outcome"] == "not_applied", answer
    return refused(RULES_WORDS.get(answer["code"], answer["code"]), answer)
