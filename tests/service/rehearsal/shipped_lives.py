"""Months in every area of one shipped file: bills of all kinds, holds, refunds, new money."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 -- a fixed seed makes the same months

from pydantic_core import from_json

from aggregates.binding.binding import Offer
from aggregates.binding.eligibility import E_CREDENTIAL_ACTIVE
from aggregates.binding.events import Caps
from aggregates.refusals import RefusalError
from aggregates.vocabulary import (
    BEIJING,
    Bucket,
    Category,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    Part,
    Relation,
    StreamId,
    Use,
)
from service import institution as institutions
from service.account import accounts
from service.binding import deduction_order
from service.binding import register_confirmed as register
from service.binding.parties import Invite
from service.caller import Caller, Request, Role, institution, person
from service.context import furnish
from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from service.pool import pools
from service.regions.policy_book import PolicyBook
from service.settlement import cancel, capture, holds, refund
from service.settlement.claims import SettleBill, lines_of
from service.settlement.settle import settle
from service.vault import Personal
from tests.bench.families import BOUND_AT, CAP_FEN, Family, bill, settling
from tests.cases.outcome import StoppedClock
from tests.service.rehearsal.lives import KEYS

FROM_AT = datetime(2026, 12, 2, 10, tzinfo=BEIJING)
"""Every shipped area has an edition in force then."""
NATION = Caller(Role.AGENCY, "nation", None, "agency")
ABROAD = institution("H00000000001")
MED_TYPES = ("11", "11", "11", "12", "13", "14", "21", "41", "51", "1301", "9107")
PARTS = [(category, part) for category in Category for part in Part]
CREDIT_EVERY = 25
"""Rounds of bills between two credits."""
MONEY_FEN = {Bucket.CURRENT: 60_000, Bucket.PRIOR: 240_000}
TO_POOL_FEN = 100_000


class ShippedLives:
    """The ledger of some areas; `refused` counts what was refused, by code."""

    def __init__(self, book: PolicyBook, areas: Iterable[str], seed: int) -> None:
        self.store = MemoryStore()
        self.refused: Counter[str] = Counter()
        self._clock = StoppedClock()
        self._clock.at = FROM_AT
        self._context = furnish(self.store, KEYS, book, self._clock)
        self._dice = Random(seed)  # noqa: S311 -- no secret
        self._asked = 0
        self._homes = {area: self._counters(area) for area in areas}

    @staticmethod
    def _counters(area: str) -> tuple[Caller, ...]:
        """Where an area's patients go: a hospital, a pharmacy, a hospital far away."""
        return institution(f"H{area}00001"), institution(f"P{area}00001"), ABROAD

    async def live(self, families: int, rounds: int) -> None:
        """So many families in each area; in each round every family has one bill."""
        await publish(self._context)
        await self._designate(ABROAD, "110000")
        for area, (hospital, pharmacy, _) in self._homes.items():
            await self._designate(hospital, area)
            await self._designate(pharmacy, area)
        living = [
            (area, Family(f"{area}F{n}", tuple(f"{area}F{n}S{s}" for s in range(n % 3))))
            for area in self._homes
            for n in range(1, families + 1)
        ]
        for step in (self._open, self._credit, self._bind, self._agree):
            await asyncio.gather(*(step(*home) for home in living))
        for number in range(rounds):
            self._clock.at += timedelta(hours=self._dice.choice([1, 20, 200]))
            if number % CREDIT_EVERY == CREDIT_EVERY - 1:
                await asyncio.gather(*(self._credit(*home) for home in living))
            await asyncio.gather(*(self._visit(*home, number) for home in living))
        await self._context.close()

    async def _asks(self, asked: Awaitable[Reply]) -> Reply | None:
        """The reply; None where it is refused, as some areas do."""
        try:
            reply = await asked
        except RefusalError as refusal:
            self.refused[refusal.code() or ""] += 1
            return None
        if reply.refusal is not None:
            self.refused[reply.refusal] += 1
            return None
        return reply

    def _request(self, caller: Caller = NATION) -> Request:
        self._asked += 1
        return settling(caller, f"in:{self._asked}")

    # ------------------------------------------------------------------ moving in

    async def _designate(self, who: Caller, area: str) -> None:
        is_hospital = who.subject.startswith("H")
        designated = institutions.Designate(
            code=who.subject,
            name="told",
            kind=InstitutionKind.HOSPITAL if is_hospital else InstitutionKind.PHARMACY,
            region=area,
            status=InstitutionStatus.ACTIVE,
            opened_regions=(area,),
            sensitive=False,
        )
        await institutions.designate(self._context, self._request(), designated)

    async def _open(self, area: str, family: Family) -> None:
        for number in (family.patient, *family.sponsors):
            opening = accounts.OpenAccount(
                personal=Personal(number, "told", f"ID-{number}"),
                insurance=Insurance.EMPLOYEE,
                region=area,
                status=self._dice.choice(["NORMAL", "NORMAL", "RETIRED"]),
                flags=(E_CREDENTIAL_ACTIVE,),
            )
            await accounts.open_account(self._context, self._request(), opening)

    async def _credit(self, area: str, family: Family) -> None:
        del area
        for number in (family.patient, *family.sponsors):
            for bucket, fen in MONEY_FEN.items():
                money = accounts.CreditAccount(
                    person_no=number,
                    amount_fen=fen // (10 if number == family.patient else 1),
                    bucket=bucket,
                    reference=None,
                )
                await self._asks(accounts.credit(self._context, self._request(), money))

    async def _bind(self, area: str, family: Family) -> None:
        del area
        for sponsor in family.sponsors:
            caps = Caps(per_settlement_fen=CAP_FEN, per_day_fen=2 * CAP_FEN, per_year_fen=None)
            offer = Offer(
                relation=Relation.CHILD,
                uses=(Use.CARE,),
                caps=caps,
                valid_from=None,
                valid_until=None,
            )
            invite = Invite(sponsor=sponsor, beneficiary=family.patient, offer=offer)
            agreed = register.Register(invite=invite, confirmed_at=BOUND_AT)
            await self._asks(register.register(self._context, self._request(), agreed))

    async def _agree(self, area: str, family: Family) -> None:
        """An order of two sponsors, and pools where the area has them."""
        del area
        context, patient = self._context, family.patient
        if len(family.sponsors) > 1:
            asked = self._request(person(context.vault, patient))
            order = tuple(reversed(family.sponsors))
            await self._asks(deduction_order.change_order(context, asked, patient, order, None))
        for sponsor in family.sponsors:
            opened = await self._asks(pools.open_pool(context, self._request(), sponsor))
            if opened is not None:
                pool_id = StreamId(from_json(opened.answer)["pool_id"])
                moving = pools.transfer(context, self._request(), pool_id, TO_POOL_FEN)
                await self._asks(moving)

    # ------------------------------------------------------------------ bills

    async def _visit(self, area: str, family: Family, number: int) -> None:
        """A bill that is settled, held, or captured; some of it may go back."""
        what = self._dice.choices(["settle", "capture", "hold"], (18, 1, 1))[0]
        asked, request = self._bill(family, number), self._at_counter(area, family, number)
        if what == "settle":
            reply = await self._asks(settle(self._context, request, asked))
        else:
            reply = await self._held(request, asked, is_kept=what == "hold")
        if reply is not None and self._dice.random() < 0.05:
            assert reply.subject is not None, "a settlement has its stream"
            await self._give_back(request.caller, reply.subject)

    def _at_counter(self, area: str, family: Family, number: int) -> Request:
        counter = self._dice.choices(self._homes[area], (8, 3, 1))[0]
        return settling(counter, f"{family.patient}-{number}")

    def _bill(self, family: Family, number: int) -> SettleBill:
        dice = self._dice
        asked = replace(
            bill(family, number),
            med_type=dice.choice(MED_TYPES),
            treated_at=self._clock.at,
            use_account=dice.random() < 0.9,
            use_aid=dice.random() < 0.95,
        )
        if dice.random() < 0.3:
            asked = replace(asked, fund_pay_fen=0)
        if dice.random() < 0.5:
            return asked
        personal_fen = asked.total_fen - asked.fund_pay_fen
        first_fen = dice.randint(1, personal_fen - 1)
        amounts = (first_fen, personal_fen - first_fen)
        rows = [(str(n), *dice.choice(PARTS), fen) for n, fen in enumerate(amounts)]
        return replace(asked, lines=lines_of(rows))

    async def _held(self, request: Request, asked: SettleBill, *, is_kept: bool) -> Reply | None:
        context = self._context
        held = await self._asks(holds.hold(context, request, asked, 86_400))
        if held is None:
            return None
        hold_id = StreamId(from_json(held.answer)["hold_id"])
        again = self._request(request.caller)
        if is_kept:
            await self._asks(holds.release(context, again, hold_id))
            return None
        less = capture.FinalBill(total_fen=asked.total_fen // 2, fund_pay_fen=0, lines=None)
        final = None if asked.lines else self._dice.choice([None, less])
        return await self._asks(capture.capture(context, again, hold_id, final))

    async def _give_back(self, caller: Caller, settlement: StreamId) -> None:
        context, request = self._context, self._request(caller)
        if self._dice.random() < 0.5:
            await self._asks(cancel.cancel(context, request, settlement, "again"))
            return
        part = refund.RefundBill(settlement=settlement, amount_fen=50, lines=None, reason="part")
        await self._asks(refund.refund(context, request, part))
