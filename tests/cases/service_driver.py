"""Cases on a House with the ledger in memory: the use cases, as the doors call them."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import cast

from pydantic_core import from_json, to_json

from aggregates.policy.edition import Edition
from aggregates.refusals import RefusalError
from aggregates.vocabulary import BEIJING, StreamId
from service import institution as institutions
from service.account import accounts
from service.binding import bindings, deduction_order, review
from service.binding import kinship as relatives
from service.caller import Caller, Request, Role
from service.context import ServiceContext, furnish
from service.ledger.command import KeyReusedError, Reply
from service.ledger.memory_store import MemoryStore
from service.person.credentials import Identity
from service.policy import publish
from service.pool import pools
from service.regions.policy_book import PolicyBook
from service.settlement.claims import SettleBill
from service.settlement.quote import quote
from service.settlement.settle import settle
from service.vault import Personal, Vault
from tests.cases.balances import due_in_log, kept_in, left_in
from tests.cases.outcome import StoppedClock, credential_of, patient_of, refused, told
from tests.cases.reading import Person, Step, fen
from tests.cases.service_links import ServiceLinks
from tests.cases.service_premiums import ServicePremiums
from tests.cases.service_refunds_and_holds import ServiceRefundsAndHolds
from tests.cases.step_commands import amounts_of, caps_of, cert_no, offer_of
from tests.cases.world import NotBuiltError, Outcome

AGENCY = Caller(Role.AGENCY, "agency", None, "agency")


class ServiceDriver:
    """A house, its callers, and the ids that its answers gave."""

    def __init__(self) -> None:
        """Begin without a house."""
        self.clock = StoppedClock()
        self.context: ServiceContext | None = None
        self.bindings: dict[str, StreamId] = {}
        self.counter = ""
        self.calls = 0
        self.later = ServiceRefundsAndHolds(
            lambda key, body: self._request(self._institution(), key, body),
            lambda: self._request(AGENCY, "", b""),
            self._bill,
        )
        self.links = ServiceLinks(self._ask)
        self.premiums = ServicePremiums(lambda: self._context, self._ask)
        follow = {**self.links.verbs, **self.later.verbs}
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
            "confirm": self._confirm,
            "decline": partial(self._bound, bindings.decline),
            "review": self._review,
            "change": self._change,
            "release": self._release,
            "look": self._look,
            "open_pool": self._open_pool,
            "to_pool": self._to_pool,
            "from_pool": self._from_pool,
            "set_order": self._set_order,
            "quote": self._quote,
            "settle": self._settle,
            **{verb: partial(self._follow, use) for verb, use in follow.items()},
            **self.premiums.verbs,
        }

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """A house on an empty ledger in memory, with these rules published."""
        by_region = {e.region: tuple(o for o in editions if o.region == e.region) for e in editions}
        keys = Vault(bytes(32), bytes(32))
        self.context = furnish(MemoryStore(), keys, PolicyBook(by_region), self.clock)
        self.context.tax = self.premiums.tax_side()
        await publish(self.context)

    async def close(self) -> None:
        """Stop the house."""
        if self.context is not None:
            await self.context.close()

    async def left(self, who: str) -> tuple[int, int]:
        """A person's current and prior money in fen."""
        return left_in((await accounts.look_at_account(self._context, AGENCY, who)).answer)

    async def to_recover(self, settlement: str) -> int:
        """What is marked for recovery of a settlement, in fen."""
        return due_in_log(await self._context.store.history(StreamId(settlement)))

    async def pooled(self, who: str) -> int:
        """What is in a person's family pool, in fen; 0 without one."""
        shown = (await accounts.look_at_account(self._context, AGENCY, who)).answer
        pool_id = json.loads(shown).get("pool_id")
        if pool_id is None:
            return 0
        pool = await pools.look_at_pool(self._context, AGENCY, StreamId(pool_id))
        return fen(json.loads(pool.answer)["balance"])

    async def kept_aside(self, who: str) -> int:
        """What came back to a person who may not take it, in fen."""
        return kept_in((await accounts.look_at_account(self._context, AGENCY, who)).answer)

    async def do(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        """Do one step."""
        if step.do not in self.verbs:
            raise NotBuiltError(step.do)
        try:
            return await self.verbs[step.do](step, before)
        except RefusalError as refusal:
            return refused(type(refusal).code(), from_json(to_json(refusal.fields)))
        except KeyReusedError:
            return Outcome(refused="IDEMPOTENCY_KEY_REUSED")

    @property
    def _context(self) -> ServiceContext:
        assert self.context is not None, "furnish comes first"
        return self.context

    def _request(self, caller: Caller, key: str, body: bytes) -> Request:
        self.calls += 1
        digest = hashlib.sha256(body).digest()
        return Request(caller, key or f"call {self.calls}", digest, "cases")

    def _as(self, who: str) -> Caller:
        return AGENCY if who == "agency" else Caller(Role.PERSON, who, None, f"person:{who}")

    def _ask(self, by: str, key: str) -> Request:
        return self._request(self._as(by), key, b"")

    # ------------------------------------------------------------ the world

    async def _open(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        person = step.person or Person()
        opening = accounts.OpenAccount(
            personal=Personal(step.who, person.name or step.who, cert_no(person, self.calls)),
            insurance=person.insurance,
            region=person.region,
            status="NORMAL",
            flags=person.flags,
        )
        return told(
            await accounts.open_account(self._context, self._request(AGENCY, "", b""), opening)
        )

    async def _credit(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        command = accounts.CreditAccount(
            person_no=step.who,
            amount_fen=fen(step.amount),
            bucket=step.bucket,
            reference=step.reference or None,
        )
        return told(await accounts.credit(self._context, self._request(AGENCY, "", b""), command))

    async def _status(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        command = accounts.ChangeStatus(
            person_no=step.who,
            status=step.status,
            reason="told",
            effective_on=step.effective_on,
            successor=step.successor or None,
        )
        request = self._request(AGENCY, "", b"")
        return told(await accounts.change_status(self._context, request, command))

    async def _flag(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        command = accounts.ChangeFlags(person_no=step.who, flags=step.flags, reason="told")
        request = self._request(AGENCY, "", b"")
        return told(await accounts.change_flags(self._context, request, command))

    async def _designate(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.counter is not None
        self.counter = step.counter.code
        command = institutions.Designate(
            code=step.counter.code,
            name="told",
            kind=step.counter.kind,
            region=step.counter.region,
            status=step.counter.status,
            opened_regions=step.counter.opened_regions,
            sensitive=False,
        )
        request = self._request(AGENCY, "", b"")
        return told(await institutions.designate(self._context, request, command))

    async def _set_clock(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.to is not None
        assert step.to >= self.clock.at, "time does not run back"
        self.clock.at = step.to
        return Outcome()

    async def _file(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        filing = accounts.FileElsewhere(
            person_no=step.who,
            place=step.place,
            kind=step.kind,
            from_on=step.since,
            until_on=step.until,
        )
        request = self._request(AGENCY, "", b"")
        return told(await accounts.file_elsewhere(self._context, request, filing))

    async def _relate(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        fact = relatives.RecordKinship(person_no=step.by, relative=step.who, relation=step.relation)
        request = self._request(AGENCY, "", b"")
        return told(await relatives.record_kinship(self._context, request, fact))

    async def _open_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        return told(await pools.open_pool(self._context, self._ask(step.who, step.key), None))

    async def _to_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        request, pool_id = self._ask(step.who, step.key), await self._pool_of(step.who)
        return told(await pools.transfer(self._context, request, pool_id, fen(step.amount)))

    async def _from_pool(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        request, pool_id = self._ask(step.by or step.who, step.key), await self._pool_of(step.who)
        return told(await pools.withdraw(self._context, request, pool_id))

    async def _pool_of(self, who: str) -> StreamId:
        shown = (await accounts.look_at_account(self._context, AGENCY, who)).answer
        return StreamId(json.loads(shown)["pool_id"])

    # ------------------------------------------------------------ bindings

    async def _invite(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.offer is not None
        command = bindings.Invite(
            sponsor=step.offer.sponsor,
            beneficiary=step.offer.beneficiary,
            offer=offer_of(step.offer),
            evidence=(step.offer.evidence, step.offer.reference or None),
        )
        request = self._request(self._as(step.by or step.offer.sponsor), "", b"")
        reply = await bindings.invite(self._context, request, command)
        outcome = told(reply)
        if outcome.refused is None:
            name = f"{step.offer.sponsor}>{step.offer.beneficiary}"
            self.bindings[name] = StreamId(outcome.subject)
        return outcome

    async def _bound(
        self,
        use_case: Callable[[ServiceContext, Request, StreamId], Awaitable[Reply]],
        step: Step,
        _: Mapping[str, Outcome],
    ) -> Outcome:
        by = step.by or step.binding.partition(">")[2]
        request = self._request(self._as(by), "", b"")
        return told(await use_case(self._context, request, self.bindings[step.binding]))

    async def _confirm(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        by = step.by or step.binding.partition(">")[2]
        request, binding_id = self._request(self._as(by), "", b""), self.bindings[step.binding]
        return told(
            await bindings.confirm(self._context, request, binding_id, order=step.sponsors or None)
        )

    async def _review(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        command = review.ReviewDocument(is_approved=step.status != "reject", reason="told")
        request = self._request(AGENCY, "", b"")
        return told(
            await review.review(self._context, request, self.bindings[step.binding], command)
        )

    async def _change(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        assert step.offer is not None
        to = step.offer
        terms = bindings.GrantUpdate(
            uses=to.uses,
            caps=cast("bindings.CapsChange", asdict(caps_of(to))),
            valid_until=lambda _: to.valid_until,
        )
        request = self._request(self._as(step.by or to.sponsor), "", b"")
        binding_id = self.bindings[step.binding]
        return told(await bindings.change(self._context, request, binding_id, terms))

    async def _release(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        request = self._request(self._as(step.by), "", b"")
        binding_id = self.bindings[step.binding]
        return told(await bindings.release(self._context, request, binding_id, "told"))

    async def _look(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        binding_id = self.bindings[step.binding]
        return told(await bindings.look_at_binding(self._context, AGENCY, binding_id))

    async def _set_order(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        caller = self._as(step.by or step.who)
        seen = await deduction_order.look_at_order(self._context, AGENCY, step.who)
        newest = json.loads(seen.answer)["version"]
        version = newest if step.version is None else step.version
        request = self._request(caller, "", b"")
        return told(
            await deduction_order.change_order(
                self._context, request, step.who, step.sponsors, version, step.rank
            )
        )

    # ------------------------------------------------------------ bills

    async def _quote(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        return told(await quote(self._context, self._institution(), self._bill(step, before)))

    async def _settle(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        bill = self._bill(step, before)
        body = bill.digest + (bill.plan or "").encode()
        request = self._request(self._institution(), step.key, body)
        return told(await settle(self._context, request, bill))

    async def _follow(
        self,
        use_case: Callable[[ServiceContext, Step, Mapping[str, Outcome]], Awaitable[Reply]],
        step: Step,
        before: Mapping[str, Outcome],
    ) -> Outcome:
        return told(await use_case(self._context, step, before))

    def _institution(self) -> Caller:
        return Caller(Role.INSTITUTION, self.counter, None, f"institution:{self.counter}")

    def _bill(self, step: Step, before: Mapping[str, Outcome]) -> SettleBill:
        amounts, shown = amounts_of(step), credential_of(step, before)
        bill = SettleBill(
            beneficiary=Identity(*patient_of(step, before)),
            visit=step.visit or f"visit {step.who} {self.calls}",
            charge_batch="1",
            med_type=step.med_type,
            treated_at=datetime(2020, 1, 1, tzinfo=BEIJING),
            total_fen=amounts.total_fen,
            fund_pay_fen=amounts.fund_pay_fen,
            use_account=step.use_account,
            lines=amounts.lines,
            credential=Identity(*shown) if shown else None,
            plan=None,
            digest=b"",
            use_aid=step.use_aid,
            authoriser_code=before[step.authoriser].code if step.authoriser else None,
        )
        digest = hashlib.sha256(repr(bill).encode()).digest()
        plan = before[step.quoted].plan_hash if step.quoted else None
        return replace(bill, digest=digest, plan=plan)
