"""Whatever becomes of a family's money, the service does what the money model says.

The model is `tests/money_model`, written from policy.md alone; the rules are drawn by chance for
every history.
"""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.cases.reading import Step, yuan
from tests.money_model import holding, refunds, settling
from tests.money_model.bills import Bill, Line
from tests.money_model.chance import CATEGORIES, PARTS
from tests.service.money_agency import Agency, pick
from tests.service.money_counter import step_of
from tests.service.money_life import (
    assert_refused,
    assert_split,
    rarely,
    seldom,
    some,
    somebody,
    sometimes,
)

pytestmark = pytest.mark.deepened

amounts = st.sampled_from([200, 90, 120, 1, 40]) | st.integers(1, 300)
visits = st.integers(0, 9).map(lambda number: f"visit-{number}")
lines = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(PARTS), amounts), min_size=1, max_size=4
).map(lambda said: tuple(Line(str(at), *one) for at, one in enumerate(said, start=1)))
used = st.sampled_from([True] * 9 + [False])
bills = st.builds(
    Bill,
    somebody,
    visits,
    amounts | lines,
    st.just(0) | amounts,
    st.just("H1"),
    st.just("1"),
    use_account=used,
    use_aid=used,
)
for_seconds = st.sampled_from([900, 86_400, 172_800, 600_000])
percents = st.sampled_from([100, 50, 30, 110]) | st.integers(1, 105)
INPUT = ("LINES_MISMATCH",)
"""Refusals that leave a key free."""
SUMS = ("own", "aid", "cash")


class Bills(Agency):
    """What counters do with bills: quote, settle, hold, and take back."""

    @rule(bill=bills)
    def quote(self, bill: Bill) -> None:
        """What would settling do?"""
        name = f"quote-{len(self.quotes)}"
        outcome = self.counter.do(step_of(bill, "quote"))
        assert_split(outcome, settling.plan(self.world, bill))
        self.counter.named[name] = outcome
        self.quotes[name] = settling.quote(self.world, bill)

    @rule(bill=bills)
    def settle(self, bill: Bill) -> None:
        """Settle without a quote."""
        self._settle(bill, "", self._key("settle"))

    @precondition(lambda self: self.quotes)
    @rule(which=some, other=st.sampled_from([0, 0, 0, 1]))
    def settle_quoted(self, which: int, other: int) -> None:
        """Settle what was shown, or nearly."""
        quoted = list(self.quotes)[which % len(self.quotes)]
        bill = self.quotes[quoted].bill
        self._settle(bill._replace(fund=bill.fund + other), quoted, self._key("settle"))

    @precondition(lambda self: self.world.tombstones)
    @rule(which=some, bill=bills, really=sometimes)
    def settlepick(self, which: int, bill: Bill, *, really: bool) -> None:
        """The original of a reversal arrives after it."""
        if not really:
            return
        tombstones = sorted(self.world.tombstones)
        self._settle(bill, "", tombstones[which % len(tombstones)])

    def _settle(self, bill: Bill, quoted: str, key: str) -> None:
        step = step_of(bill, "settle", key, quoted)
        outcome = self.counter.do(step)
        refused = settling.settle(self.world, key, bill, self.quotes.get(quoted))
        assert_refused(outcome.refused, refused)
        if not refused:
            assert_split(outcome, self.world.settled[key].split)
            self.counter.named[key] = outcome
        self.remember(lambda: self.counter.do(step), outcome)

    # ------------------------------------------------------------ back

    @precondition(lambda self: self.world.settled)
    @rule(which=some, really=sometimes)
    def cancel(self, which: int, *, really: bool) -> None:
        """Take a settlement back, perhaps for the second time."""
        if not really:
            return
        of = self._settled(which)
        step = Step(do="cancel", of=of, key=self._key("cancel"))
        outcome = self.counter.do(step)
        assert_refused(outcome.refused, settling.cancel(self.world, of))
        self.remember(lambda: self.counter.do(step), outcome)

    @precondition(lambda self: self.world.settled)
    @rule(which=some, really=rarely)
    def cancel_after_an_end(self, which: int, *, really: bool) -> None:
        """Take a settlement back after somebody who paid died: nobody may take his part."""
        settled = self.world.settled[self._settled(which)]
        payers = [share.who for share in settled.stays.shares if share.money.fen]
        if really and payers:
            self.end(payers[which % len(payers)], "DECEASED", None, 0, really=True)
            self.cancel(which, really=True)

    @precondition(lambda self: self.world.settled)
    @rule(which=some, bill=bills, there=st.sampled_from([True, True, True, False]))
    def replace(self, which: int, bill: Bill, *, there: bool) -> None:
        """Settle a corrected bill in the place of another, perhaps under another name."""
        of, key = self._settled(which), self._key("replace")
        settled = self.world.settled[of]
        stays = settled.stays
        if there:
            bill = bill._replace(patient=settled.bill.patient, visit=settled.bill.visit)
        subject = self.counter.named[of].subject
        told = self.counter.replace(key, subject, bill)
        refused = settling.replace(self.world, key, of, bill)
        self._check(told, refused)
        if not refused:
            assert_split(told, self.world.settled[key].split)
            back = [*map(yuan, (stays.own, stays.aid, stays.cash))]
            assert back == [told["returned"][name] for name in SUMS]
            self.counter.name(key, told)
        if told["refusal"] not in INPUT:
            self.remember(lambda: self.counter.replace(key, subject, bill), told)

    @precondition(lambda self: self.world.settled)
    @rule(which=some)
    def swipe_again(self, which: int) -> None:
        """The same bill with aid, in place of one that was settled without."""
        bill = self.world.settled[self._settled(which)].bill
        self.replace(which, bill._replace(use_aid=True), there=True)

    @precondition(lambda self: self.world.settled)
    @rule(which=some, percent=percents)
    def refund(self, which: int, percent: int) -> None:
        """Give back so many hundredths of what stays."""
        of = self._settled(which)
        settled = self.world.settled[of]
        stays = settled.bill.personal - sum(settled.back.values())
        self._refund(of, max(1, stays * percent // 100))

    @precondition(lambda self: self.world.settled)
    @rule(which=some, shares=st.dictionaries(st.sampled_from("1122334"), percents, min_size=1))
    def refund_lines(self, which: int, shares: dict[str, int]) -> None:
        """Give back so many hundredths of what stays of some lines."""
        of = self._settled(which)
        settled = self.world.settled[of]
        lines = settled.bill.amounts()
        stays = {n: fen - settled.back.get(n, 0) for n, fen in lines.items()}
        known = {n: p for n, p in shares.items() if n in lines} if which % 5 else shares
        asked = {n: max(1, stays.get(n, 1) * percent // 100) for n, percent in known.items()}
        if asked:
            self._refund(of, asked)

    def _refund(self, of: str, asked: refunds.Asked) -> None:
        settled = self.world.settled[of]
        before = settled.stays
        key, subject = self._key("refund"), self.counter.named[of].subject
        told = self.counter.refund(key, subject, asked)
        refused = refunds.refund(self.world, of, asked)
        self._check(told, refused)
        if not refused:
            stays = [yuan(share.money.fen) for share in settled.stays.shares]
            assert stays == [payer["amount"] for payer in told["stays"]["payers"]]
            assert yuan(settled.stays.cash) == told["stays"]["cash"]
            given = before.own - settled.stays.own, before.cash - settled.stays.cash
            assert tuple(map(yuan, given)) == (told["refunded"]["own"], told["refunded"]["cash"])
        if told["refusal"] not in INPUT:
            self.remember(lambda: self.counter.refund(key, subject, asked), told)

    @rule(which=some, early=seldom, really=st.booleans())
    def reverse(self, which: int, *, early: bool, really: bool) -> None:
        """Undo a message by its key, perhaps for the second time, perhaps before it comes."""
        if not (early or self.world.settled) or not really:
            return
        undone = self._key("late") if early else self._settled(which)
        key = self._key("reverse")
        told = self.counter.reverse(key, undone)
        refused = settling.reverse(self.world, undone)
        self._check(told, refused)
        if not refused:
            settled = self.world.settled.get(undone)
            assert told["status"] == (settled.status if settled else "reversed")
            assert told["tombstone"] == (settled is None)
        self.remember(lambda: self.counter.reverse(key, undone), told)

    @precondition(lambda self: self.world.settled)
    @rule(which=some)
    def look(self, which: int) -> None:
        """Whoever looks sees what was settled, what became of it, and what stays."""
        of = self._settled(which)
        settled, told = self.world.settled[of], self.counter.look(of)
        assert settled.status == told["status"]
        split = settled.split
        assert [*map(yuan, (split.own, split.aid, split.cash))] == [told[n] for n in SUMS]
        if settled.status == "part_refunded":
            stays = settled.stays
            assert [*map(yuan, (stays.own, stays.aid, stays.cash))] == [
                told["stays"][name] for name in SUMS
            ]

    @precondition(lambda self: self.world.settled)
    @rule(which=some, really=sometimes)
    def clear(self, which: int, *, really: bool) -> None:
        """The hospital is paid up to the day of some settlement."""
        through = self.world.settled[self._settled(which)].settled_at.date()
        before = self.world.cleared.get("H1", date.min)
        if really and before < through < self.world.today:
            assert None is self.counter.clear(through)
            settling.clear(self.world, "H1", through)

    # ------------------------------------------------------------ aside

    @rule(bill=bills, seconds=for_seconds)
    def hold(self, bill: Bill, seconds: int) -> None:
        """Set a bill's money aside."""
        key = self._key("hold")
        told = self.counter.hold(key, bill, seconds)
        refused = holding.hold(self.world, key, bill, timedelta(seconds=seconds))
        self._check(told, refused)
        if not refused:
            assert_split(told, self.world.holds[key].split)
            self.ids[key] = told["hold_id"]
        self.remember(lambda: self.counter.hold(key, bill, seconds), told)

    @precondition(lambda self: self.ids)
    @rule(which=some, really=st.sampled_from([False, True]))
    def let_go(self, which: int, *, really: bool) -> None:
        """Let a hold go, perhaps one that is over."""
        if really:
            of, key = self._held(which), self._key("let go")
            told = self.counter.release(key, self.ids[of])
            self._check(told, holding.release(self.world, of))
            self.remember(lambda: self.counter.release(key, self.ids[of]), told)

    @precondition(lambda self: self.ids)
    @rule(which=some, percent=st.none() | percents, said=st.none() | lines)
    def capture(self, which: int, percent: int | None, said: tuple[Line, ...] | None) -> None:
        """Debit what was set aside, or what a final bill takes of it."""
        of, key = self._held(which), self._key("capture")
        bill = self.world.holds[of].bill
        final = None
        if percent is not None:
            final = bill._replace(lines=said or max(1, bill.personal * percent // 100))
        told = self.counter.capture(key, self.ids[of], final)
        refused = holding.capture(self.world, of, key, final)
        self._check(told, refused)
        if not refused:
            amounts = [yuan(share.money.fen) for share in self.world.settled[key].split.shares]
            assert amounts == [payer["amount"] for payer in told["payers"]]
            self.counter.name(key, told)
        self.remember(lambda: self.counter.capture(key, self.ids[of], final), told)

    # ------------------------------------------------------------ again

    @precondition(lambda self: self.sent)
    @rule(which=some)
    def repeat(self, which: int) -> None:
        """The same key with the same body has the same answer, and moves nothing."""
        self.sent[which % len(self.sent)]()

    def _settled(self, which: int) -> str:
        """One of the last settlements, a live one if there is one, but not always."""
        live = [key for key, one in self.world.settled.items() if one.live]
        return pick(live if live and which % 7 else list(self.world.settled), which)

    def _held(self, which: int) -> str:
        """One of the last holds, a standing one if there is one, but not always."""
        standing = [held.key for held in self.world.standing_holds()]
        return pick(standing if standing and which % 7 else list(self.ids), which)


@pytest.mark.timeout(7_200)
def test_money_lives_as_the_model_says(request: pytest.FixtureRequest) -> None:
    """Whatever happened, every fen is where the model has it."""
    examples, steps = (2_000, 100) if request.config.getoption("--slow") else (30, 50)
    run_state_machine_as_test(
        Bills,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
