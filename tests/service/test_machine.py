"""Whatever a family does in whatever order, the service does what a small model of policy.md says.

The model is `tests/model.py`; the laws are I1 to I9 of policy.md §8.0 and, for the log, I1, I5 to
I8 and I15 of reliability.md (c).
"""

import asyncio
import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from aggregates.vocabulary import BEIJING, Bucket, Category, Insurance, KinshipEvidence, Part
from tests.cases.reading import Bound, CapsInYuan, Counter, Person, Step, yuan
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import P0, Outcome
from tests.model import Bill, Family, Plan
from tests.service.laws import Laws
from tests.service.replay.replayed import found_in

pytestmark = pytest.mark.deepened

PEOPLE = {"A": "employee", "B": "employee", "C": "employee", "D": "resident"}
CAPS = ((None, None), (1_500, None), (None, 4_000), (9_000, 6_000))
"""The caps of a settlement and of a day of those who are bound from the start."""
BEGAN_AT = datetime(2026, 1, 5, 10, 0, tzinfo=BEIJING)

somebody = st.sampled_from(sorted(PEOPLE))
amounts = st.sampled_from([20_000, 9_000, 12_000, 0, 1, 4_000]) | st.integers(0, 30_000)
caps = st.sampled_from([None, None, 0, 1_500]) | st.integers(0, 9_000)
visits = st.integers(0, 12).map(lambda number: f"visit-{number}")
bills = st.builds(Bill, somebody, visits, amounts, st.sampled_from([0, 0, 700]), amounts)
ties = st.sets(st.sampled_from(["BA", "CA", "AB", "CB", "AC", "BD", "CD", "AD"]), min_size=2)
some = st.integers(0, 1_000)
"""Picks one of what there is, whatever their number."""


class FamilyLife(RuleBasedStateMachine):
    """A family, a counter, and the model beside them."""

    def __init__(self) -> None:
        """Begin with a house of nobody."""
        super().__init__()
        self.loop = asyncio.Runner()
        self.driver = ServiceDriver()
        self.model = Family()
        self.named: dict[str, Outcome] = {}
        self.sent: list[tuple[Step, Outcome]] = []
        self.laws = Laws()

    def do(self, step: Step) -> Outcome:
        """Do one step on the service."""
        return self.loop.run(self.driver.do(step, self.named))

    def check(self, outcome: Outcome, words: set[str]) -> bool:
        """Whether it was done; what the model refuses is refused with one of its words."""
        expected: set[str | None] = {*words} or {None}
        assert outcome.refused in expected, f"{outcome.refused} is none of {expected}"
        return not words

    @initialize(bound=ties)
    def come(self, bound: set[str]) -> None:
        """Rules, a hospital, four people with some money, and some of them bound."""
        self.loop.run(self.driver.furnish((P0,)))
        self.driver.clock.at = BEGAN_AT
        self.do(Step(do="designate", counter=Counter()))
        for who, insurance in PEOPLE.items():
            resident = insurance == "resident"
            person = Person(insurance=Insurance(insurance))
            assert None is self.do(Step(do="open", who=who, person=person)).refused
            self.model.come(who, resident=resident)
            if not resident:
                self.credit(who, Bucket.CURRENT, 1_500)
                self.credit(who, Bucket.PRIOR, 7_000)
        for tie, caps in zip(sorted(bound), itertools.cycle(CAPS), strict=False):
            self.invite(tie[0], tie[1], *caps)
            self.answer(0, yes=True)

    # ------------------------------------------------------------ money, standing, time

    @rule(who=somebody, bucket=st.sampled_from(Bucket), fen=st.integers(1, 9_000))
    def credit(self, who: str, bucket: Bucket, fen: int) -> None:
        """Money comes in."""
        outcome = self.do(Step(do="credit", who=who, amount=yuan(fen), bucket=bucket))
        self.check(outcome, self.model.credit(who, bucket, fen))

    @rule(
        who=somebody, status=st.sampled_from(["NORMAL", "NORMAL", "NORMAL", "FROZEN", "SUSPENDED"])
    )
    def stand(self, who: str, status: str) -> None:
        """Freeze, unfreeze, suspend, resume."""
        outcome = self.do(Step(do="status", who=who, status=status))
        self.check(outcome, self.model.stand(who, status))

    @rule(seconds=st.sampled_from([1, 60, 60, 899, 900, 901, 3_600, 86_400, 72 * 3_600]))
    def wait(self, seconds: int) -> None:
        """Time goes on."""
        self.model.now_s += seconds
        self.driver.clock.at = BEGAN_AT + timedelta(seconds=self.model.now_s)

    # ------------------------------------------------------------ bindings

    @rule(sponsor=somebody, beneficiary=somebody, cap=caps, day_cap=caps)
    def invite(self, sponsor: str, beneficiary: str, cap: int | None, day_cap: int | None) -> None:
        """A sponsor offers, with caps of his own."""
        offer = Bound(
            sponsor=sponsor,
            beneficiary=beneficiary,
            caps=CapsInYuan(per_settlement=cap, per_day=day_cap),
            evidence=KinshipEvidence.DOCUMENT,
            reference="HK-1",
        )
        if sponsor != beneficiary:  # who knows of the other is told about him
            self.do(Step(do="relate", by=sponsor, who=beneficiary, relation=offer.relation))
        outcome = self.do(Step(do="invite", offer=offer))
        self.check(outcome, self.model.invite(sponsor, beneficiary, cap, day_cap))

    @precondition(lambda self: self.model.latest)
    @rule(which=some, yes=st.sampled_from([True, True, True, False]))
    def answer(self, which: int, *, yes: bool) -> None:
        """The invited says yes or no."""
        self.wait(1)
        sponsor, beneficiary = self._pair(-1 - which % 3)
        name = f"{sponsor}>{beneficiary}"
        outcome = self.do(Step(do="confirm" if yes else "decline", binding=name))
        self.check(outcome, self.model.answer(sponsor, beneficiary, yes=yes))

    @precondition(lambda self: self.model.latest)
    @rule(which=some, by_sponsor=st.booleans(), really=st.sampled_from([False, False, True]))
    def release(self, which: int, *, by_sponsor: bool, really: bool) -> None:
        """Either side takes it back, not as often as it might."""
        if not really:
            return
        pair = self._pair(which)
        by = pair[0] if by_sponsor else pair[1]
        outcome = self.do(Step(do="release", by=by, binding=">".join(pair)))
        self.check(outcome, self.model.release(*pair, by))

    @rule(who=somebody, sponsors=st.lists(somebody, max_size=3))
    def order(self, who: str, sponsors: list[str]) -> None:
        """The patient says who pays first."""
        outcome = self.do(Step(do="set_order", who=who, sponsors=tuple(sponsors)))
        self.check(outcome, self.model.order(who, sponsors))

    def _pair(self, which: int) -> tuple[str, str]:
        pairs = list(self.model.latest)
        return pairs[which % len(pairs)]

    # ------------------------------------------------------------ bills

    @rule(bill=bills)
    def quote(self, bill: Bill) -> None:
        """The counter asks what settling would do."""
        name = f"quote-{len(self.named)}"
        outcome = self.do(step_of(bill, "quote"))
        assert_split(outcome, self.model.quote(name, bill))
        self.named[name] = outcome

    @rule(bill=bills)
    def settle(self, bill: Bill) -> None:
        """The counter settles without a quote."""
        self._settle(bill, None)

    @precondition(lambda self: self.model.quotes)
    @rule(which=some, other=st.sampled_from([0, 0, 0, 1]), late=st.sampled_from([0, 0, 900, 901]))
    def settle_quoted(self, which: int, other: int, late: int) -> None:
        """The counter settles what it was shown, or nearly, at once or at the last moment."""
        quoted = list(self.model.quotes)[which % len(self.model.quotes)]
        bill: Bill = self.model.quotes[quoted]["bill"]
        shown_s: float = self.model.quotes[quoted]["at_s"]
        self.wait(int(max(0, shown_s + late - self.model.now_s)))
        self._settle(bill._replace(fund=bill.fund + other), quoted)

    def _settle(self, bill: Bill, quoted: str | None) -> None:
        name = f"key-{len(self.sent)}"
        plan = self.model.plan(bill)
        step = step_of(bill, "settle", name, quoted or "")
        outcome = self.do(step)
        if self.check(outcome, self.model.settle(name, bill, quoted)):
            assert_split(outcome, plan)
            self.named[name] = outcome
        self.sent.append((step, outcome))

    @precondition(lambda self: self.sent)
    @rule(which=some)
    def repeat(self, which: int) -> None:
        """The same key with the same body has the same answer; with another it is refused."""
        step, outcome = self.sent[which % len(self.sent)]
        assert outcome == self.do(step)
        reused = self.do(Step(do="settle", key=step.key, personal="0.07", visit="another"))
        assert "IDEMPOTENCY_KEY_REUSED" == reused.refused

    @precondition(lambda self: self.model.settled)
    @rule(which=some)
    def cancel(self, which: int) -> None:
        """The counter takes a settlement back, perhaps for the second time."""
        name = list(self.model.settled)[which % len(self.model.settled)]
        step = Step(do="cancel", of=name, key=f"cancel-{self.driver.calls}")
        outcome = self.do(step)
        self.check(outcome, self.model.cancel(name))
        assert outcome == self.do(step)

    # ------------------------------------------------------------ what always holds

    @invariant()
    def every_balance_is_the_models(self) -> None:
        """Money is where the model has it, none is lost or made, nothing is below zero."""
        total = 0
        for who, person in self.model.people.items():
            held = self.loop.run(self.driver.left(who))
            assert (person["current"], person["prior"]) == held, who
            assert min(held) >= 0
            total += sum(held)
        assert self.model.credited == total + self.model.paid_out()

    @invariant()
    def the_log_keeps_its_laws(self) -> None:
        """Every event since the last look obeys the laws of the log."""
        if self.driver.context is not None:
            self.laws.check(self.driver.context)

    @override
    def teardown(self) -> None:
        if self.driver.context is not None:
            assert [] == found_in(self.driver.context), "a replay decides everything alike"
        self.loop.run(self.driver.close())
        self.loop.close()


def step_of(bill: Bill, do: str, key: str = "", quoted: str = "") -> Step:
    """A bill as it is sent: drugs in scope, and what is wholly one's own."""
    lines: tuple[tuple[Category, Part, str], ...]
    lines = ((Category.DRUG, Part.IN_SCOPE, yuan(bill.shared)),)
    if bill.own_only:
        lines += ((Category.DRUG, Part.FULL_SELF_PAY, yuan(bill.own_only)),)
    return Step(
        do="quote" if do == "quote" else "settle",
        who=bill.patient,
        visit=bill.visit,
        lines=lines,
        fund=yuan(bill.fund),
        key=key,
        quoted=quoted,
    )


def assert_split(outcome: Outcome, plan: Plan) -> None:
    """Each payer gives what the model says, or has its reason."""
    told = [share.reason or yuan(share.paid) for share in plan.shares]
    assert (told[0], tuple(told[1:]), yuan(plan.cash)) == (outcome.own, outcome.aid, outcome.cash)


@pytest.mark.timeout(3_600)
def test_a_family_lives_as_the_model_says(request: pytest.FixtureRequest) -> None:
    """Every history of credits, bindings, bills and freezes ends where the model ends."""
    examples, steps = (2_000, 100) if request.config.getoption("--slow") else (25, 50)
    run_state_machine_as_test(
        FamilyLife,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
