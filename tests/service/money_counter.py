"""The service as the money machine sees it: the model's words as commands, answers as they come."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from aggregates.account.state import Account
from aggregates.policy.choices import PremiumType
from aggregates.policy.edition import Edition
from aggregates.pool.pool import Pool
from aggregates.refusals import RefusalError
from aggregates.vocabulary import (
    BEIJING,
    Bucket,
    Category,
    Instant,
    Insurance,
    KinshipEvidence,
    Part,
    StreamId,
    Use,
)
from service.caller import Caller, Request, institution
from service.context import ServiceContext
from service.ledger.command import Decision, KeyReusedError, Reply
from service.ledger.read_set import ReadSet
from service.person.credentials import Identity
from service.person.lookup import find_person
from service.reconciliation.clearing import clear
from service.settlement import holds
from service.settlement.capture import FinalBill, capture
from service.settlement.claims import SettleBill
from service.settlement.queries import look_at_settlement
from service.settlement.refund import RefundBill, refund
from service.settlement.replace import replace as replace_bill
from service.settlement.reverse import reverse
from tests.cases.reading import HOME, Bound, CapsInYuan, Counter, Person, Step, yuan
from tests.cases.service_driver import AGENCY, ServiceDriver
from tests.cases.step_commands import amounts_of
from tests.cases.world import P0, Outcome, changed
from tests.money_model.bills import Bill
from tests.money_model.rules import P0 as MODEL_P0
from tests.money_model.rules import Rules

Told = dict[str, Any]
"""An answer's members, its refusal, and the settlement it is about."""

SECTIONS = {
    "sponsor_buckets": "money",
    "own": "money",
    "reserve": "money",
    "cap": "money",
    "account": "money",
    "order": "order",
    "max": "order",
    "single": "order",
    "sponsor": "binding",
    "refund": "refund",
    "on": "quote",
    "quote": "quote",
    "hold": "quote",
    "premium": "premium",
    "bucket": "items",
    "sponsor_cap_scope": "money",
    "resident_balance": "money",
    "insurance_year_from": "money",
    "second_swipe_minutes": "order",
    "aid": "items",
}
"""The section of a region's file by the key, or by its first word."""

CAPS = {"total": "total"}
"""The member of a cap where it is not `per_` and its period."""
NESTED = {
    "refund_to_closed": "refund.refund_to_ended_account.closed",
    "refund_to_frozen": "refund.refund_to_ended_account.frozen",
}


def edition(rules: Rules, since: date) -> Edition:
    """The model's rules as an edition of the service's."""
    changes: dict[str, Any] = {}
    if rules["money_model"] == "FAMILY_POOL":
        changes["money_model"] = "FAMILY_POOL"
        names = ("floor_fen", "min_transfer_fen", "transfers_per_month")
        changes["pool"] = {name: rules[f"pool_{name}"] for name in names}
    for key, value in rules.items():
        if value != MODEL_P0[key] and not key.startswith(("pool_", "money_")):
            section = SECTIONS.get(key) or SECTIONS[key.partition("_")[0]]
            changes[NESTED.get(key, f"{section}.{key}")] = "none" if value is None else value
    if fen := changes.get("premium.premium_standard_fen"):
        changes["premium.premium_standard_fen"] = {PremiumType.RESIDENT_BASIC: fen}
    if window := changes.get("premium.premium_window"):
        since_day, until_day = (f"{month:02}-{day:02}" for month, day in window)
        changes["premium.premium_window"] = {"from": since_day, "to": until_day}
    made = changed(P0, changes)
    return replace(made, id=f"case/{since}", region=HOME, effective_on=since)


def step_of(bill: Bill, do: Any, key: str = "", quoted: str = "") -> Step:  # noqa: ANN401  a verb
    """A bill as it is sent."""
    sent = Step(
        do=do,
        who=bill.patient,
        visit=bill.visit,
        fund=yuan(bill.fund),
        use_account=bill.use_account,
        use_aid=bill.use_aid,
        key=key,
        quoted=quoted,
    )
    if isinstance(bill.lines, int):
        return replace(sent, personal=yuan(bill.lines))
    lines = tuple((Category(line.category), Part(line.part), yuan(line.fen)) for line in bill.lines)
    return replace(sent, lines=lines)


class MoneyCounter:
    """A house and its callers, asked one thing after another."""

    def __init__(self) -> None:
        """Begin with a house of nobody."""
        self.loop = asyncio.Runner()
        self.driver = ServiceDriver()
        self.named: dict[str, Outcome] = {}
        self.hospital = institution(Counter().code)
        self.cleared = 0

    def begin(self, editions: tuple[tuple[date, Rules], ...], at: datetime) -> None:
        """Publish the rules of the one region and designate its hospital."""
        made = tuple(edition(rules, since) for since, rules in editions)
        self.loop.run(self.driver.furnish(made))
        self.driver.clock.at = at
        assert None is self.do(Step(do="designate", counter=Counter())).refused

    @property
    def context(self) -> ServiceContext:
        """The house, once it is furnished."""
        assert self.driver.context is not None
        return self.driver.context

    def close(self) -> None:
        """Stop the house."""
        self.loop.run(self.driver.close())
        self.loop.close()

    # ------------------------------------------------------------ by steps

    def do(self, step: Step) -> Outcome:
        """Do one step."""
        return self.loop.run(self.driver.do(step, self.named))

    def come(self, who: str, *, resident: bool) -> None:
        """Somebody is insured."""
        person = Person(insurance=Insurance("resident" if resident else "employee"))
        assert None is self.do(Step(do="open", who=who, person=person)).refused

    def credit(self, who: str, bucket: str, fen: int) -> Outcome:
        """Bring money in."""
        return self.do(Step(do="credit", who=who, amount=yuan(fen), bucket=Bucket(bucket)))

    def bind(
        self,
        sponsor: str,
        beneficiary: str,
        caps: dict[str, int | None],
        uses: tuple[str, ...],
    ) -> StreamId:
        """Offer and accept."""
        offer = Bound(
            sponsor=sponsor,
            beneficiary=beneficiary,
            uses=tuple(Use(use) for use in uses),
            caps=CapsInYuan(**{CAPS.get(name, f"per_{name}"): fen for name, fen in caps.items()}),
            evidence=KinshipEvidence.DOCUMENT,
            reference="HK-1",
        )
        assert None is self.do(Step(do="invite", offer=offer)).refused
        name = f"{sponsor}>{beneficiary}"
        assert None is self.do(Step(do="confirm", binding=name)).refused
        return self.driver.bindings[name]

    # ------------------------------------------------------------ by use cases

    def call(
        self,
        use_case: Callable[[Request], Awaitable[Reply]],
        key: str,
        body: object,
        by: Caller | None = None,
    ) -> Told:
        """Ask, as the hospital or another, under a key; a refusal by the rules is an answer too."""
        digest = hashlib.sha256(repr(body).encode()).digest()
        request = Request(by or self.hospital, key, digest, "cases")

        async def ask() -> Told:
            try:
                reply = await use_case(request)
            except RefusalError as refusal:
                return {"refusal": type(refusal).code()}
            except KeyReusedError:
                return {"refusal": "IDEMPOTENCY_KEY_REUSED"}
            answer: Told = json.loads(reply.answer)
            return answer | {"refusal": reply.refusal}

        return self.loop.run(ask())

    def refund(self, key: str, settlement: str, asked: int | Mapping[str, int]) -> Told:
        """Give a part back, by amount or by lines."""
        whole = isinstance(asked, int)
        command = RefundBill(
            settlement=StreamId(settlement),
            amount_fen=asked if isinstance(asked, int) else sum(asked.values()),
            lines=None if whole else tuple(asked.items()),  # type: ignore[union-attr]
            reason="told",
        )
        return self.call(lambda request: refund(self.context, request, command), key, command)

    def replace(self, key: str, settlement: str, bill: Bill) -> Told:
        """Settle a corrected bill in the place of another."""
        of, sent = StreamId(settlement), self.bill_of(bill)
        body = (of, sent)
        return self.call(lambda request: replace_bill(self.context, request, of, sent), key, body)

    def reverse(self, key: str, undone: str) -> Told:
        """Undo a command by its key."""
        return self.call(lambda request: reverse(self.context, request, undone), key, undone)

    def hold(self, key: str, bill: Bill, seconds: int) -> Told:
        """Set a bill's money aside."""
        sent = self.bill_of(bill)
        body = (sent, seconds)
        return self.call(
            lambda request: holds.hold(self.context, request, sent, seconds), key, body
        )

    def release(self, key: str, hold_id: str) -> Told:
        """Let a hold go."""
        held = StreamId(hold_id)
        return self.call(lambda request: holds.release(self.context, request, held), key, held)

    def capture(self, key: str, hold_id: str, final: Bill | None) -> Told:
        """Debit what was set aside, or what a final bill takes of it."""
        held, asked = StreamId(hold_id), None
        if final is not None:
            bill = self.bill_of(final)
            asked = FinalBill(
                total_fen=bill.total_fen, fund_pay_fen=bill.fund_pay_fen, lines=bill.lines
            )
        body = (held, asked)
        return self.call(lambda request: capture(self.context, request, held, asked), key, body)

    def name(self, key: str, told: Told) -> None:
        """Remember the settlement that an answer is about."""
        self.named[key] = Outcome(subject=told["settlement_id"])

    def bill_of(self, bill: Bill) -> SettleBill:
        """A bill as the use cases take it."""
        amounts = amounts_of(step_of(bill, "settle"))
        return SettleBill(
            beneficiary=Identity("person_no", bill.patient),
            visit=bill.visit,
            charge_batch=bill.batch,
            med_type="11",
            treated_at=datetime(2020, 1, 1, tzinfo=BEIJING),
            total_fen=amounts.total_fen,
            fund_pay_fen=amounts.fund_pay_fen,
            use_account=bill.use_account,
            use_aid=bill.use_aid,
            lines=amounts.lines,
            credential=None,
            plan=None,
            digest=hashlib.sha256(repr(bill).encode()).digest(),
        )

    def clear(self, through: date) -> str | None:
        """The hospital is paid for its settlements up to a day."""
        self.cleared += 1
        request = Request(AGENCY, f"clear {self.cleared}", b"", "cases")
        return self.loop.run(clear(self.context, request, self.hospital.subject, through)).refusal

    def to_recover(self, key: str) -> int:
        """What is marked for recovery of a settlement, in fen."""
        return self.loop.run(self.driver.to_recover(self.named[key].subject))

    def look(self, key: str) -> Told:
        """A settlement as its hospital sees it."""
        subject = StreamId(self.named[key].subject)
        found = self.loop.run(look_at_settlement(self.context, self.hospital, subject))
        told: Told = json.loads(found.answer)
        return told

    def pools(self, whose: Iterable[str]) -> dict[str, Pool]:
        """The pools of those who have one."""
        found: dict[str, Pool] = {}

        def decide(reads: ReadSet, _: Instant) -> Decision:
            for who in whose:
                pool = reads.account(find_person(reads, self.context.vault, who)).pool
                if pool is not None:
                    found[who] = reads.pool(pool)
            return Decision(answer=b"{}")

        self.loop.run(self.context.ask(AGENCY, decide))
        return found

    def accounts(self, whose: Iterable[str]) -> dict[str, Account]:
        """Accounts as they count now."""
        found: dict[str, Account] = {}

        def decide(reads: ReadSet, _: Instant) -> Decision:
            for who in whose:
                found[who] = reads.account(find_person(reads, self.context.vault, who))
            return Decision(answer=b"{}")

        self.loop.run(self.context.ask(AGENCY, decide))
        return found
