"""The part of the money machine that is the agency's: corrections, payouts, and premiums."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from aggregates.vocabulary import Bucket, StreamId
from service.account import corrections as service
from service.account.suspense import PayOut, pay_out
from service.caller import agency
from tests.cases.reading import Step
from tests.cases.world import Outcome
from tests.money_model import corrections, family, premiums, returns
from tests.money_model.money import Money
from tests.money_model.taxing import WAYS, TaxSide
from tests.money_model.world import Words
from tests.service.money_counter import Told
from tests.service.money_life import MoneyLife, assert_refused, rarely, some, somebody

clerks = st.sampled_from(["clerk 1", "clerk 2"])
amounts = st.integers(-120, 60).filter(bool)
payees = st.sampled_from(["R"] * 9 + ["A"])
ways = st.sampled_from(["normal"] * 8 + list(WAYS))
OPEN = {"HELD": "unknown"}
"""How the service calls a premium that waits for the tax side, in the model's words."""


class Agency(MoneyLife):
    """What the agency does: put balances right, pay out, and take premiums to the tax side."""

    def __init__(self) -> None:
        """Begin with nothing proposed and nothing paid."""
        super().__init__()
        self.tax = TaxSide()
        self.proposed: dict[str, str] = {}

    # ------------------------------------------------------------ corrections

    @rule(
        who=somebody,
        bucket=st.sampled_from(["current", "prior"]),
        fen=amounts,
        by=clerks,
        decider=st.none() | clerks,
    )
    def propose(self, who: str, bucket: str, fen: int, by: str, decider: str | None) -> None:
        """Say that a balance is wrong; often somebody decides at once."""
        key = self._key("correction")
        command = service.ProposeCorrection(
            person_no=who, bucket=Bucket(bucket), amount_fen=fen, reason="told", reference=None
        )
        told = self.counter.call(
            lambda request: service.propose(self.counter.context, request, command),
            key,
            command,
            agency(by, None),
        )
        money = Money(**{bucket: fen})
        refused = corrections.propose(self.world, key, who, money, by)
        self._check(told, refused)
        if not refused:
            assert "proposed" == told["status"]
            self.proposed[key] = told["correction_id"]
            if decider is not None:
                self.decide(0, decider, agrees=True)

    @precondition(lambda self: self.world.corrections)
    @rule(which=some, by=clerks, agrees=st.sampled_from([True, True, True, False]))
    def decide(self, which: int, by: str, *, agrees: bool) -> None:
        """Agree or not, perhaps to one's own, perhaps to what is decided already."""
        known = self.world.corrections
        waiting = [key for key, one in known.items() if one.status == "PROPOSED"]
        of = pick(waiting if waiting and which % 7 else list(known), which)
        told = self._decide(self._key("decide"), of, by, agrees=agrees)
        do = corrections.approve if agrees else corrections.reject
        refused = do(self.world, of, by)
        self._check(told, refused)
        if not refused:
            assert known[of].status.lower() == told["status"]

    def _decide(self, key: str, of: str, by: str, *, agrees: bool) -> Told:
        context, correction = self.counter.context, StreamId(self.proposed[of])
        use_case = (
            partial(service.approve, context, correction_id=correction)
            if agrees
            else partial(service.reject, context, correction_id=correction, reason="told")
        )
        return self.counter.call(use_case, key, (of, agrees), agency(by, None))

    # ------------------------------------------------------------ payouts

    @precondition(lambda self: self.world.tickets)
    @rule(which=some)
    def pay_out(self, which: int) -> None:
        """Pay out what is kept aside, once."""
        ticket = self.world.tickets[which % len(self.world.tickets)]
        same = [one for one in self.world.tickets if one.who == ticket.who]
        at = next(n for n, one in enumerate(same) if one is ticket)
        kept = self.counter.accounts([ticket.who])[ticket.who].suspended[at]
        assert ticket.fen == kept.amount_fen
        command = PayOut(person_no=ticket.who, ticket=kept.ticket, reference="told")
        for refused in (frozenset[str](), frozenset({"UNKNOWN"})):
            told = self.counter.call(
                lambda request: pay_out(self.counter.context, request, command),
                self._key("pay out"),
                command,
                agency("clerk 1", None),
            )
            self._check(told, refused)
        returns.pay_out(self.world, ticket)

    # ------------------------------------------------------------ premiums

    def _behave(self, how: str) -> None:
        """From now on the tax side does this."""
        self.tax.how = how
        self.counter.do(Step(do="tax", behaviour=how))

    @rule(sponsor=somebody, payee=payees, late=st.sampled_from([0] * 5 + [1]), how=ways)
    def pay_premium(self, sponsor: str, payee: str, late: int, how: str) -> None:
        """Pay the coming year's premium, or this one's, mostly as somebody who may."""
        granted = [self.world.bindings[n].sponsor for n in family.grants(self.world, payee)]
        if granted and how != "refused":
            sponsor = granted[ord(sponsor) % len(granted)]
        self._behave(how)
        key, year = self._key("premium"), self.world.today.year + 1 - late
        step = Step(do="premium", by=sponsor, who=payee, year=year, key=key)
        outcome = self.counter.do(step)
        refused = self.tax.pay(self.world, key, (sponsor, payee, year))
        assert_refused(outcome.refused, refused)
        if key in self.world.premiums:
            self.counter.named[key] = outcome
            self._check_premium(outcome, key, refused)
            self.sent.append(lambda: self._pay_again(step))

    def _pay_again(self, step: Step) -> None:
        """The key is used up, and answers how the premium stands now."""
        again = self.counter.do(step)
        self._check_premium(again, step.key, premiums.no_to_payment(self.world, step.key))

    @precondition(lambda self: self.world.premiums)
    @rule(which=some, how=ways)
    def reverse_premium(self, which: int, how: str) -> None:
        """Ask for a premium back."""
        self._behave(how)
        known = self.world.premiums
        paid = [key for key, one in known.items() if one.status == "CONFIRMED"]
        of = pick(paid if paid and which % 7 else list(known), which)
        attempt = len(known[of].refusals)
        step = Step(do="reverse_premium", by=known[of].sponsor, of=of, key=self._key("ask back"))
        outcome = self.counter.do(step)
        refused = self.tax.reverse(self.world, of)
        assert_refused(outcome.refused, refused)
        if len(known[of].refusals) > attempt or not refused:
            self._check_premium(outcome, of, refused)
            self.sent.append(lambda: self._ask_again(step, attempt))

    def _ask_again(self, step: Step, attempt: int) -> None:
        again = self.counter.do(step)
        refused = premiums.no_to_reversal(self.world, step.of, attempt)
        self._check_premium(again, step.of, refused)

    @precondition(lambda self: self.world.premiums)
    @rule(which=some, to=somebody, really=rarely)
    def move_on(self, which: int, to: str, *, really: bool) -> None:
        """Who paid a premium moves away, or moves on from where he moved."""
        premium = list(self.world.premiums.values())[which % len(self.world.premiums)]
        who = premium.sponsor
        while (heir := self.world.people[who].successor) is not None:
            who = heir
        if really and not self.world.people[who].end:
            self.end(who, "TRANSFERRED", to, 0, really=True)

    @precondition(lambda self: self.world.premiums)
    @rule(how=ways)
    def resolve(self, how: str) -> None:
        """What waits for the tax side is asked again."""
        self._behave(how)
        self.counter.do(Step(do="resolve"))
        self.tax.resolve(self.world)
        for key, one in self.world.premiums.items():
            seen = self.counter.do(Step(do="look_premium", by=one.sponsor, of=key))
            self._check_premium(seen, key, frozenset())

    def _check_premium(self, told: Outcome, key: str, refused: Words) -> None:
        assert_refused(told.refused, refused)
        if not refused:
            status = self.world.premiums[key].status
            assert OPEN.get(status, status.lower()) == told.status

    # ------------------------------------------------------------ what all of it needs

    def _key(self, of: str) -> str:
        self.keys += 1
        return f"{of}-{self.keys}"

    @staticmethod
    def _check(told: Told, refused: Words) -> None:
        assert_refused(told["refusal"], refused)


def pick(some: list[str], which: int) -> str:
    """One of the last four."""
    return some[-1 - which % min(4, len(some))]
