"""The demo's requests: its people through the import, its day through what HTTP calls.

Every request has a key of its own. A request that was answered before is not decided again,
because the rules may refuse now what they allowed then: its stored reply is read.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from aggregates.vocabulary import Instant, StreamId
from api.binding.requests import BindingBody
from api.binding.routes import invitation_of
from api.demo.families import CLAIMS, PEOPLE, DemoStep
from api.http.fields import fen
from api.ndjson_import.lines import ClaimLine, read_line
from api.settlement.routes import bill_of, claim_digest
from service.account import accounts
from service.binding import bindings
from service.caller import Caller, Request, agency, institution, person
from service.command_batch import QueuedUseCase
from service.context import ServiceContext
from service.ids import stream_of
from service.pool import pools
from service.settlement import cancel, quote
from service.settlement.queries import is_key_used, look_at_settlement, reply_of_key

AGENCY = agency("demo", None)
PERSONS = {
    "invitation": "sponsor",
    "release": "sponsor",
    "order": "beneficiary",
    "pool": "sponsor",
}
"""Who acts, where it is not the institution of a claim or the agency."""


class StepResult(NamedTuple):
    """A step and its answer; `payers` are person numbers in the answer's order."""

    step: DemoStep
    answer: dict[str, Any]
    refusal: str | None = None
    payers: tuple[str, ...] = ()


def people(context: ServiceContext) -> list[QueuedUseCase]:
    """The lines of `people.ndjson` as the import carries them out."""
    today = context.clock().on
    return [read_line(line, today)[1] for line in PEOPLE]


async def import_people(context: ServiceContext) -> None:
    """Import institutions, accounts, credits and kinship, each kind at once."""
    items = people(context)
    await items[0].begin(context)  # first and alone: it marks that the demo has begun
    for _, kind in groupby(items, lambda item: item.use_case):
        await asyncio.gather(*(item.begin(context) for item in kind))


async def is_sent(context: ServiceContext, claim: str) -> bool:
    """Whether the demo has sent the claim with this key."""
    caller = institution(CLAIMS[claim]["institution"])
    return await is_key_used(context, caller, f"demo:claim:{claim}")


@dataclass(slots=True)
class DemoDay:
    """The demo's requests to one service; `now` is the time in all of them."""

    context: ServiceContext
    now: Instant
    bindings: dict[tuple[str, str], StreamId] = field(default_factory=dict)
    """By sponsor and beneficiary."""
    sponsors: dict[str, str] = field(default_factory=dict)
    """Person numbers by account id."""
    orders: dict[str, list[str]] = field(default_factory=dict)
    """Sponsors by beneficiary, in the order that was set last."""
    items: dict[str, QueuedUseCase] = field(default_factory=dict)
    """What was sent, by name."""
    settled: dict[str, StreamId] = field(default_factory=dict)
    """Settlements by the claim's key."""
    plan: str | None = None
    """The plan of the last quote."""

    async def take(self, step: DemoStep) -> StepResult | None:
        """Take a step; None if it is left out because its `until` was sent.

        A quote is not stored, so a restarted demo takes the steps before `until` anew.
        """
        name = step.name
        if step.act == "order":
            self.orders[step.body["beneficiary"]] = step.body["sponsors"]
        if step.until:
            if await is_sent(self.context, step.until):
                return None
            name = f"before:{step.until}:{name}:{await self.context.store.position()}"
        if step.act == "quote":
            return await self._quote(step)
        if step.act == "repeat":
            reply = await self.items[f"claim:{step.body['key']}"].begin(self.context)
            assert reply.is_replayed, "a repeated request gets the stored answer"
            return StepResult(step, json.loads(reply.answer))
        if step.act == "pool":
            return await self._filled(step, name)
        result = await self._once(step, name, self._item(step, name))
        if step.act == "claim" and result.refusal is None:
            return await self._settled(result)
        return await self._bound(result, name) if "binding_id" in result.answer else result

    async def _filled(self, step: DemoStep, name: str) -> StepResult | None:
        """Open a sponsor's family pool and move an amount in; None where the day knows no pools."""
        opening, request = f"open:{name}", self._request(self._caller(step), f"open:{name}")
        opened = await self._once(step, opening, QueuedUseCase(pools.open_pool, request, (None,)))
        if opened.refusal is not None:
            return None
        pool = stream_of("fpl", opened.answer["pool_id"])
        moved = (pool, fen(step.body["amount"]))
        request = self._request(self._caller(step), name)
        return await self._once(step, name, QueuedUseCase(pools.transfer, request, moved))

    async def account(self, person_no: str) -> dict[str, Any]:
        """A person's account as it is now."""
        reply = await accounts.look_at_account(self.context, AGENCY, person_no)
        account: dict[str, Any] = json.loads(reply.answer)
        return account

    # ------------------------------------------------------------ what is sent

    async def _once(self, step: DemoStep, name: str, item: QueuedUseCase) -> StepResult:
        self.items[name] = item
        reply = await reply_of_key(self.context, item.request.caller, item.request.key)
        if not reply.is_replayed:
            reply = await item.begin(self.context)
        return StepResult(step, json.loads(reply.answer), reply.refusal)

    def _item(self, step: DemoStep, name: str) -> QueuedUseCase:
        """The use case that HTTP or the import would call."""
        request, body = self._request(self._caller(step), name), step.body
        match step.act:
            case "invitation":
                offer = invitation_of(BindingBody.model_validate_json(json.dumps(body)))
                return QueuedUseCase(bindings.invite, request, (offer,))
            case "release":
                binding = self.bindings[body["sponsor"], body["beneficiary"]]
                return QueuedUseCase(bindings.release, request, (binding, "demo"))
            case "cancel":
                settlement = self.settled[body["key"]]
                return QueuedUseCase(cancel.cancel, request, (settlement, "demo"))
            case "status":
                change = accounts.ChangeStatus(
                    person_no=body["person_no"],
                    status=body["status"].upper(),
                    reason="demo",
                    effective_on=self.now.on - timedelta(days=step.days_ago),
                    successor=None,
                )
                return QueuedUseCase(accounts.change_status, request, (change,))
            case _:
                line = {"type": step.act} | body | self._members(step)
                _, item = read_line(json.dumps(line).encode(), self.now.on)
                return item._replace(request=request)

    def _caller(self, step: DemoStep) -> Caller:
        if "key" in step.body:
            return institution(CLAIMS[step.body["key"]]["institution"])
        if step.act in PERSONS:
            return person(self.context.vault, step.body[PERSONS[step.act]])
        return AGENCY

    def _request(self, caller: Caller, name: str) -> Request:
        return Request(caller, f"demo:{name}", hashlib.sha256(name.encode()).digest(), "demo")

    def _members(self, step: DemoStep) -> dict[str, Any]:
        """The members of an import line that `day.toml` leaves out."""
        match step.act:
            case "binding":
                then = self.now.at - timedelta(days=step.days_ago)
                return {"confirmed_at": then.isoformat()}
            case "filing":
                return {"from": self.now.on.isoformat()}
            case "claim":
                return self._claim(step.body) | ({"plan_hash": self.plan} if step.quoted else {})
            case _:
                return {}

    def _claim(self, claim: dict[str, Any]) -> dict[str, Any]:
        own = {
            "beneficiary": {"type": "person_no", "value": claim["beneficiary"]},
            "visit": f"demo-{claim.get('visit', claim['key'])}",
            "treated_at": self.now.at.isoformat(),
        }
        return {"charge_batch": "1", "fund_pay": "0.00"} | claim | own

    async def _quote(self, step: DemoStep) -> StepResult:
        claim = CLAIMS[step.body["key"]]
        line = {"type": "claim"} | self._claim(claim)
        body = ClaimLine.model_validate_json(json.dumps(line)).claim()
        bill = bill_of(body, claim_digest(body))
        reply = await quote.quote(self.context, self._caller(step), bill)
        answer = json.loads(reply.answer)
        self.plan = answer["plan_hash"]
        patient = claim["beneficiary"]
        return StepResult(step, answer, payers=(patient, *self.orders[patient]))

    # ------------------------------------------------------------ what follows

    async def _bound(self, result: StepResult, name: str) -> StepResult:
        """Note a binding; the beneficiary answers an invitation where the region asks for it."""
        step, answer = result.step, result.answer
        binding = stream_of("bnd", answer["binding_id"])
        self.bindings[step.body["sponsor"], step.body["beneficiary"]] = binding
        self.sponsors[answer["sponsor"]] = step.body["sponsor"]
        if answer["status"] != "invited" or step.reaction == "none":
            return result
        react = bindings.confirm if step.reaction == "confirm" else bindings.decline
        name = f"{step.reaction}:{name}"
        request = self._request(person(self.context.vault, step.body["beneficiary"]), name)
        return await self._once(step, name, QueuedUseCase(react, request, (binding,)))

    async def _settled(self, result: StepResult) -> StepResult:
        """Note a settlement, and look up who its payers are: the patient, then sponsors."""
        claim, answer = result.step.body, result.answer
        self.settled[claim["key"]] = stream_of("stl", answer["settlement_id"])
        reply = await look_at_settlement(self.context, AGENCY, self.settled[claim["key"]])
        _, *shares = json.loads(reply.answer)["payers"]
        sponsors = (self.sponsors[share["account"]] for share in shares)
        return result._replace(payers=(claim["beneficiary"], *sponsors))
