"""The steps of the demo, taken through the use cases that HTTP calls.

Every step has a key of its own, so a step that was taken before is answered and not repeated.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from aggregates.vocabulary import FilingKind, Instant, StreamId
from api.demo.model import (
    AtHome,
    AtTheCounter,
    Bill,
    Bind,
    Cancel,
    Family,
    File,
    Member,
    Order,
    Quote,
    Release,
    Repeat,
    Report,
    Rethink,
    Step,
)
from api.demo.requests import NATION, digest_of, is_taken, once, request_of
from service.account import accounts
from service.binding import bindings, deduction_order
from service.binding.bindings import Caps, Invite, Offer
from service.binding.register_confirmed import Register, register
from service.caller import Caller, institution, person
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.masking import persons_of
from service.settlement import cancel, quote, settle
from service.settlement.claims import Identity, SettleBill, lines_of
from service.settlement.queries import look_at_settlement


class Happened(NamedTuple):
    """A step and what was answered; `payers` are person numbers as in the answer, own first."""

    step: Step
    answer: dict[str, Any]
    refusal: str | None = None
    payers: tuple[str, ...] = ()


class Day:
    """The demo's requests to one house."""

    def __init__(self, house: ServiceContext) -> None:
        """Know nothing yet."""
        self._house = house
        self._bound: dict[tuple[str, str], StreamId] = {}
        self._replies: dict[str, Reply] = {}

    async def meet(self, family: Family) -> None:
        """Look at everybody: on a service that just started, deciding has less to read then."""
        await asyncio.gather(*map(self._look, family.members))

    async def take(self, step: Step) -> AsyncIterator[Happened]:
        """Take a step; one that is several is told as several."""
        if isinstance(step, Rethink):
            async for happened in self._rethink(step):
                yield happened
        elif isinstance(step, AtTheCounter):
            yield await self._pay(step)
        else:
            yield await self._arrange(step)

    async def left(self, family: Family) -> list[tuple[Member, dict[str, str]]]:
        """What is on the family's accounts now."""
        funded = [member for member in family.members if member.fen is not None]
        shown = await asyncio.gather(*map(self._look, funded))
        return list(zip(funded, shown, strict=True))

    async def _look(self, member: Member) -> dict[str, str]:
        reply = await accounts.look_at_account(self._house, NATION, member.number)
        balance: dict[str, str] = json.loads(reply.answer)["balance"]
        return balance

    # ------------------------------------------------------------ at home

    async def _arrange(self, step: AtHome) -> Happened:
        match step:
            case Bind():
                return Happened(step, json.loads((await self._bind(step)).answer))
            case Order(patient=patient):
                return await self._order(step, f"order:{patient}")
            case Report():
                return await self._report(step)
            case File(patient=patient, region=region):
                filing = accounts.FileElsewhere(
                    person_no=patient,
                    place=region,
                    kind=FilingKind.TEMPORARY,
                    from_on=self._now().on,
                    until_on=None,
                )
                request = request_of(NATION, f"file:{patient}:{region}")
                return _happened(
                    step, await once(accounts.file_elsewhere, self._house, request, filing)
                )
            case Release(sponsor=sponsor, beneficiary=beneficiary):
                request = request_of(self._person(sponsor), f"release:{sponsor}:{beneficiary}")
                binding = self._bound[sponsor, beneficiary]
                return _happened(
                    step, await once(bindings.release, self._house, request, binding, "demo")
                )

    async def _bind(self, step: Bind) -> Reply:
        name = f"{step.sponsor}:{step.beneficiary}"
        reply = await self._offer(step, name)
        answer = json.loads(reply.answer)
        binding = stream_of("bnd", answer["binding_id"])
        self._bound[step.sponsor, step.beneficiary] = binding
        if answer["status"] != "invited" or step.agrees is None:
            return reply
        request = request_of(self._person(step.beneficiary), f"confirm:{name}")
        reaction = bindings.confirm if step.agrees else bindings.decline
        return await once(reaction, self._house, request, binding)

    async def _offer(self, step: Bind, name: str) -> Reply:
        """The sponsor's invitation, or the agency's entry of what was agreed on before."""
        offer = Offer(
            relation=step.relation,
            uses=step.uses,
            caps=Caps(per_settlement_fen=step.bill_cap_fen, per_day_fen=step.day_cap_fen),
            valid_from=None,
            valid_until=None,
        )
        invitation = Invite(sponsor=step.sponsor, beneficiary=step.beneficiary, offer=offer)
        if step.days_ago is None:
            request = request_of(self._person(step.sponsor), f"invite:{name}")
            return await once(bindings.invite, self._house, request, invitation)
        then = self._now().at - timedelta(days=step.days_ago)
        request = request_of(NATION, f"register:{name}")
        return await once(
            register, self._house, request, Register(invite=invitation, confirmed_at=then)
        )

    async def _order(self, step: Order, name: str) -> Happened:
        request = request_of(self._person(step.patient), name)
        change = deduction_order.change_order
        terms = (step.patient, step.sponsors, None)
        return _happened(step, await once(change, self._house, request, *terms))

    async def _report(self, step: Report) -> Happened:
        effective_on, settlement = None, None
        if step.day_before is not None:
            settled = json.loads(self._replies[step.day_before].answer)
            effective_on = date.fromisoformat(settled["settled_at"][:10]) - timedelta(days=1)
            settlement = stream_of("stl", settled["settlement_id"])
        change = accounts.ChangeStatus(
            person_no=step.member,
            status=step.status,
            reason="demo",
            effective_on=effective_on,
            successor=None,
        )
        request = request_of(NATION, f"report:{step.member}:{step.status}")
        happened = _happened(step, await once(accounts.change_status, self._house, request, change))
        if settlement is not None:
            recover_fen = await self._to_recover(settlement)
            happened.answer.update(settlement_id=settlement, recover_fen=recover_fen)
        return happened

    async def _to_recover(self, settlement: StreamId) -> int:
        found: list[int] = []

        def decide(view: ReadSet, _: Instant) -> Decision:
            found.append(view.settlement(settlement).recover_fen)
            return Decision(answer=b"")

        await self._house.ask(NATION, decide)
        return found[-1]

    # ------------------------------------------------------------ at the counter

    async def _pay(self, step: Bill | Repeat | Quote | Cancel) -> Happened:
        match step:
            case Bill():
                return await self._settle(step, None)
            case Repeat(bill=bill):
                request = request_of(institution(bill.place), f"bill:{bill.name}")
                again = await settle.settle(self._house, request, self._bill(bill, None))
                assert again.answer == self._replies[bill.name].answer, "one key, one answer"
                return _happened(step, again)
            case Quote(bill=bill, sponsors=sponsors):
                return _happened(step, await self._quote(bill), (bill.patient, *sponsors))
            case Cancel(bill=bill):
                settled = json.loads(self._replies[bill.name].answer)["settlement_id"]
                request = request_of(institution(bill.place), f"cancel:{bill.name}")
                settlement = stream_of("stl", settled)
                return _happened(
                    step, await once(cancel.cancel, self._house, request, settlement, "demo")
                )

    async def _rethink(self, step: Rethink) -> AsyncIterator[Happened]:
        """Quote, change the order, be refused, and settle by the new plan.

        A quote is not stored: a demo that was cut off before using it asks for a new one, with
        both orders set again under keys of this attempt.
        """
        bill = step.refused
        plan = None
        if not await is_taken(self._house, bill):
            attempt = await self._house.store.position()
            orders = [Order(bill.patient, sponsors) for sponsors in (step.before, step.after)]
            yield await self._order(orders[0], f"before:{bill.patient}:{attempt}")
            quoted = await self._pay(Quote(bill, step.before))
            yield quoted
            yield await self._order(orders[1], f"after:{bill.patient}:{attempt}")
            plan = quoted.answer["plan_hash"]
        yield await self._settle(bill, plan)
        new_plan = json.loads((await self._quote(step.settled)).answer)["plan_hash"]
        yield await self._settle(step.settled, new_plan)

    async def _quote(self, bill: Bill) -> Reply:
        asked = self._bill(bill, None)
        return await quote.quote(self._house, institution(bill.place), asked)

    async def _settle(self, bill: Bill, plan: str | None) -> Happened:
        reply = self._replies[bill.name] = await self._send(bill, plan)
        if reply.refusal is not None:
            return _happened(bill, reply)
        settlement = stream_of("stl", json.loads(reply.answer)["settlement_id"])
        shown = await look_at_settlement(self._house, NATION, settlement)
        ids = [payer["account"] for payer in json.loads(shown.answer)["payers"][1:]]
        known = await persons_of(self._house, ids)
        numbers = [known[account] for account in ids]
        payers = tuple(person.person_no for person in numbers if person is not None)
        return _happened(bill, reply, (bill.patient, *payers))

    async def _send(self, bill: Bill, plan: str | None) -> Reply:
        request = request_of(institution(bill.place), f"bill:{bill.name}")
        return await once(settle.settle, self._house, request, self._bill(bill, plan))

    def _bill(self, bill: Bill, plan: str | None) -> SettleBill:
        return SettleBill(
            beneficiary=Identity("person_no", bill.patient),
            visit=f"demo-{bill.visit or bill.name}",
            charge_batch="1",
            med_type=bill.med_type,
            treated_at=self._now().at,
            total_fen=bill.total_fen,
            fund_pay_fen=bill.fund_fen,
            use_account=bill.use_account,
            lines=None if bill.lines is None else lines_of(bill.lines),
            credential=None,
            plan=plan,
            digest=digest_of(bill.visit or bill.name),
        )

    def _person(self, number: str) -> Caller:
        return person(self._house.vault, number)

    def _now(self) -> Instant:
        return self._house.clock()


def _happened(step: Step, reply: Reply, payers: tuple[str, ...] = ()) -> Happened:
    return Happened(step, json.loads(reply.answer), reply.refusal, payers)
