"""A family under P0 as policy.md §8 tells it, in plain dictionaries. Knows nothing of the service.

Amounts in fen, moments in seconds from the first morning, days whole. Every action answers
either the set of words it may be refused with, or what it led to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DAY_S = 86_400
ANSWER_S = 72 * 3600
QUOTE_S = 900
GOOD = ("NORMAL", "RETIRED")
MORNING_S = 10 * 3600
"""The first moment is ten in the morning."""


class Bill(NamedTuple):
    """A patient's bill: what aid may pay, what own money alone may pay, and the fund's part."""

    patient: str
    visit: str
    shared: int
    own_only: int
    fund: int


class Share(NamedTuple):
    """One payer: who, under which binding, what from which bucket, or why nothing."""

    who: str
    binding: int | None
    current: int
    prior: int
    reason: str | None

    @property
    def paid(self) -> int:
        """Both buckets together."""
        return self.current + self.prior


class Plan(NamedTuple):
    """Who pays what, in paying order, own account first."""

    shares: tuple[Share, ...]
    cash: int
    family: tuple[int, ...]

    def says(self) -> tuple[object, ...]:
        """What a quote promises: payers, amounts and cash, whatever the balances are."""
        paid = tuple((share.who, share.paid) for share in self.shares)
        return paid, self.cash, self.family


@dataclass
class Family:
    """Everybody's money and standing, the bindings between them, and what was settled."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    bindings: dict[int, dict[str, Any]] = field(default_factory=dict)
    latest: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)
    settled: dict[str, dict[str, Any]] = field(default_factory=dict)
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    credited: int = 0
    now_s: float = 0.0

    @property
    def today(self) -> int:
        """The business day."""
        return int((self.now_s + MORNING_S) // DAY_S)

    def come(self, who: str, *, resident: bool) -> None:
        """Somebody is insured; a resident holds no money."""
        money = {"current": 0, "prior": 0, "resident": resident}
        self.people[who] = {**money, "standing": "NORMAL", "frozen": False}

    def status(self, who: str) -> str:
        """One word for how somebody stands."""
        return "FROZEN" if self.people[who]["frozen"] else str(self.people[who]["standing"])

    # ------------------------------------------------------------ money and standing

    def credit(self, who: str, bucket: str, fen: int) -> set[str]:
        """Bring money in."""
        if self.people[who]["resident"]:
            return {"NO_FUNDS"}
        self.people[who][bucket] += fen
        self.credited += fen
        return set()

    def stand(self, who: str, status: str) -> set[str]:
        """Freeze, unfreeze, suspend or resume (§3.3)."""
        person = self.people[who]
        if status == self.status(who):
            return {"STATUS_UNCHANGED"}
        if status == "FROZEN":
            person["frozen"] = True
        elif person["frozen"] and status == person["standing"]:
            person["frozen"] = False
        else:
            person["standing"] = status
        return set()

    # ------------------------------------------------------------ bindings

    def _is_open(self, binding: dict[str, Any]) -> bool:
        in_time: bool = self.now_s <= binding["sent_s"] + ANSWER_S
        return in_time and binding["status"] == "invited"

    def _unfit(self, sponsor: str, beneficiary: str) -> set[str]:
        words = set()
        if self.people[sponsor]["resident"]:
            words.add("NO_FUNDS")
        if not {self.status(sponsor), self.status(beneficiary)} <= set(GOOD):
            words.add("PARTY_STATUS")
        return words

    def invite(
        self, sponsor: str, beneficiary: str, cap: int | None, day_cap: int | None
    ) -> set[str]:
        """Offer a grant, with the sponsor's caps of a settlement and of a day."""
        words = self._unfit(sponsor, beneficiary)
        if sponsor == beneficiary:
            words.add("SELF_BINDING")
        before = self.bindings.get(self.latest.get((sponsor, beneficiary), -1))
        if before and (before["status"] == "active" or self._is_open(before)):
            words.add("ALREADY_BOUND")
        if not words:
            number = len(self.bindings)
            self.latest[sponsor, beneficiary] = number
            terms = {"cap": cap, "day_cap": day_cap, "sent_s": self.now_s, "bound_s": None}
            sides = {"sponsor": sponsor, "beneficiary": beneficiary}
            self.bindings[number] = {**sides, **terms, "status": "invited"}
        return words

    def answer(self, sponsor: str, beneficiary: str, *, yes: bool) -> set[str]:
        """Say yes or no to an invitation."""
        binding = self.bindings[self.latest[sponsor, beneficiary]]
        if binding["status"] != "invited":
            return {"NOT_INVITED"}
        if not self._is_open(binding):
            return {"INVITATION_EXPIRED"}
        words = self._unfit(sponsor, beneficiary) if yes else set()
        if not words:
            binding["status"] = "active" if yes else "declined"
            binding["bound_s"] = self.now_s
        return words

    def release(self, sponsor: str, beneficiary: str, by: str) -> set[str]:
        """Take a grant back, or an invitation that nobody answered."""
        binding = self.bindings[self.latest[sponsor, beneficiary]]
        takes_back = by == sponsor and self._is_open(binding)
        if binding["status"] != "active" and not takes_back:
            return {"NOT_ACTIVE"}
        binding["status"] = "released"
        return set()

    def sponsors(self, patient: str) -> list[int]:
        """The bindings that are active for a patient, in paying order (§8.3)."""
        bound = [
            number
            for number, binding in self.bindings.items()
            if binding["beneficiary"] == patient and binding["status"] == "active"
        ]
        bound.sort(key=lambda number: self.bindings[number]["bound_s"])
        named = [number for number in self.orders.get(patient, []) if number in bound]
        return named + [number for number in bound if number not in named]

    def order(self, patient: str, sponsors: Sequence[str]) -> set[str]:
        """Set the order of a patient's sponsors."""
        if patient in sponsors:
            return {"OWN_FIRST_MANDATORY"}
        by_sponsor = {self.bindings[n]["sponsor"]: n for n in self.sponsors(patient)}
        if len(set(sponsors)) < len(sponsors) or not set(sponsors) <= set(by_sponsor):
            return {"SPONSOR_INVALID"}
        self.orders[patient] = [by_sponsor[who] for who in sponsors]
        return set()

    # ------------------------------------------------------------ bills

    def plan(self, bill: Bill) -> Plan:
        """Who would pay a bill now: own account, then the sponsors in order, then cash (§8.1)."""
        left = bill.shared
        own = self._own(bill)
        left -= max(0, own.paid - bill.own_only)
        aided = self.status(bill.patient) in GOOD
        shares = [own]
        unneeded = "NOT_PAYABLE" if bill.own_only and not bill.shared else "NOT_NEEDED"
        for number in self.sponsors(bill.patient):
            share = self._given(number, left, unneeded, aided=aided)
            left -= share.paid
            shares.append(share)
        for number, binding in self.bindings.items():
            if binding["beneficiary"] == bill.patient and self._is_open(binding):
                reason = "NOT_ACTIVE" if aided else "BENEFICIARY_STATUS"
                shares.append(Share(binding["sponsor"], number, 0, 0, reason))
        cash = bill.shared + bill.own_only - sum(share.paid for share in shares)
        return Plan(tuple(shares), cash, tuple(sorted(self.sponsors(bill.patient))))

    def _own(self, bill: Bill) -> Share:
        person = self.people[bill.patient]
        wanted = bill.shared + bill.own_only
        if person["resident"]:
            reason: str | None = "NO_ACCOUNT"
        elif person["frozen"]:
            reason = "FROZEN"
        else:
            reason = None if self._held(bill.patient) else "SKIPPED_ZERO"
        if not wanted:
            reason = "NOT_NEEDED"
        return self._taken(bill.patient, None, 0 if reason else wanted, reason)

    def _given(self, number: int, left: int, unneeded: str, *, aided: bool) -> Share:
        binding = self.bindings[number]
        who = binding["sponsor"]
        most = min([left, *self._caps_left(number)])
        reason = None
        if not aided:
            reason = "BENEFICIARY_STATUS"
        elif self.people[who]["frozen"]:
            reason = "FROZEN"
        elif self.people[who]["standing"] not in GOOD:
            reason = "SPONSOR_STATUS"
        elif not self._held(who):
            reason = "SKIPPED_ZERO"
        elif 0 in self._caps_left(number):
            reason = "CAP"
        elif not left:
            reason = unneeded
        return self._taken(who, number, 0 if reason else most, reason)

    def _caps_left(self, number: int) -> list[int]:
        binding = self.bindings[number]
        caps = [] if binding["cap"] is None else [binding["cap"]]
        if binding["day_cap"] is not None:
            spent = sum(
                share.paid
                for kept in self.settled.values()
                for share in kept["plan"].shares
                if kept["live"] and kept["on"] == self.today and share.binding == number
            )
            caps.append(max(0, binding["day_cap"] - spent))
        return caps

    def _held(self, who: str) -> int:
        return int(self.people[who]["current"] + self.people[who]["prior"])

    def _taken(self, who: str, number: int | None, fen: int, reason: str | None) -> Share:
        current = min(fen, self.people[who]["current"])
        prior = min(fen - current, self.people[who]["prior"])
        return Share(who, number, current, prior, reason)

    def quote(self, name: str, bill: Bill) -> Plan:
        """Show what settling would do, and remember that it was shown."""
        plan = self.plan(bill)
        self.quotes[name] = {"at_s": self.now_s, "bill": bill, "says": plan.says()}
        return plan

    def settle(self, name: str, bill: Bill, quoted: str | None) -> set[str]:
        """Settle a bill, by a quote or without one (§8.4, §8.5)."""
        if any(kept["live"] and kept["bill"].visit == bill.visit for kept in self.settled.values()):
            return {"DUPLICATE_CLAIM"}
        plan = self.plan(bill)
        if quoted is not None:
            shown = self.quotes[quoted]
            if self.now_s - shown["at_s"] > QUOTE_S:
                return {"QUOTE_EXPIRED"}
            if shown["bill"] != bill:
                return {"CLAIM_CHANGED"}
            if shown["says"] != plan.says():
                return {"PLAN_CHANGED"}
        self._move(plan, -1)
        self.settled[name] = {"bill": bill, "plan": plan, "on": self.today, "live": True}
        return set()

    def cancel(self, name: str) -> set[str]:
        """Give everything back to where it came from (§3.4)."""
        kept = self.settled[name]
        if not kept["live"]:
            return {"ALREADY_CANCELLED"}
        kept["live"] = False
        self._move(kept["plan"], +1)
        return set()

    def _move(self, plan: Plan, sign: int) -> None:
        for share in plan.shares:
            self.people[share.who]["current"] += sign * share.current
            self.people[share.who]["prior"] += sign * share.prior

    def paid_out(self) -> int:
        """What live settlements took from all accounts."""
        live = [kept["plan"] for kept in self.settled.values() if kept["live"]]
        return sum(share.paid for plan in live for share in plan.shares)
