"""Who pays how much: own money, then the sponsors in order, then cash (policy.md §8.1, §8.7).

Nothing here knows the world; what everybody has and may give comes as offers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.money_model.bills import Need
from tests.money_model.buckets import Flow
from tests.money_model.money import Money

Reasons = frozenset[str]
NONE: Reasons = frozenset()


class Cap(NamedTuple):
    """What is left of a cap in fen, and whether passing it leaves the sponsor out whole."""

    left: int
    skips: bool


class Offer(NamedTuple):
    """What somebody brings: free money, how it is drawn, the most of it, and what bars him."""

    who: str
    binding: int | None
    free: Money
    way: str
    most: int
    caps: tuple[Cap, ...] = ()
    barred: Reasons = NONE
    short: Reasons = NONE
    """Why `most` is 0, if it is."""
    pooled: bool = False
    """Whether the money is of his family pool."""


class Share(NamedTuple):
    """What somebody gives, or every reason that is true of his giving nothing."""

    who: str
    binding: int | None
    money: Money
    way: str
    reasons: Reasons = NONE
    pooled: bool = False


class Split(NamedTuple):
    """A bill shared out, in paying order, own account first."""

    shares: tuple[Share, ...]
    cash: int

    @property
    def own(self) -> int:
        """What the patient's own account gives."""
        return self.shares[0].money.fen

    @property
    def aid(self) -> int:
        """What the sponsors give."""
        return sum(share.money.fen for share in self.shares[1:])

    def says(self) -> tuple[object, ...]:
        """What a quote promises: payers, amounts and cash."""
        return tuple((s.who, s.binding, s.money.fen) for s in self.shares), self.cash


@dataclass
class Round:
    """The sponsors' part of a bill while it is shared out."""

    left: int
    together: Cap | None = None
    """What is left of a cap over all sponsors of this patient."""
    most_payers: int | None = None
    must_cover: bool = False
    payers: int = 0
    payable: bool = True
    flow: Flow | None = None
    """Where the money flows, if buckets have rules."""

    def give(self, offer: Offer) -> Share:
        """What the next sponsor gives."""
        caps = offer.caps if self.together is None else (*offer.caps, self.together)
        wish = min(self.left, offer.most)
        if self.flow is not None:
            wish = min(wish, self.flow.most("AID", offer.free, offer.way))
        fen = min([wish, *(cap.left for cap in caps)])
        reasons = self.against(offer, wish, fen, caps)
        fen = 0 if reasons else fen
        self.left -= fen
        self.payers += bool(fen)
        if self.together is not None:
            self.together = self.together._replace(left=self.together.left - fen)
        if self.flow is None:
            money = offer.free.take(fen, offer.way)
        else:
            money = self.flow.draw("AID", offer.free, offer.way, fen)
        return Share(offer.who, offer.binding, money, offer.way, reasons, offer.pooled)

    def against(self, offer: Offer, wish: int, fen: int, caps: Sequence[Cap]) -> Reasons:
        """Every reason that is true of a sponsor's giving nothing."""
        passed = any(cap.skips for cap in caps if wish > cap.left)
        facts = {
            "CAP": passed or any(not cap.left for cap in caps),
            "PAYER_LIMIT": self.payers == self.most_payers,
            "CANNOT_COVER": self.must_cover and fen < self.left,
            "NOT_NEEDED": not self.left,
            "NOT_PAYABLE": not self.payable or (self.left and not wish),
        }
        found = {word for word, so in facts.items() if so}
        return frozenset(offer.barred | (NONE if offer.most else offer.short) | found)


def own_share(need: Need, offer: Offer, flow: Flow | None) -> Share:
    """What the patient's own account gives, to all that own money may pay."""
    if flow is not None:
        return _own_share_by_bucket(need, offer, flow)
    wanted = need.own_only + need.shared
    reasons = set(offer.barred)
    if not offer.most:
        reasons |= offer.short
    if not wanted:
        reasons |= {"NOT_NEEDED", "NOT_PAYABLE"} if need.fen else {"NOT_NEEDED"}
    fen = 0 if reasons else min(wanted, offer.most)
    return Share(offer.who, None, offer.free.take(fen, offer.way), offer.way, frozenset(reasons))


def _own_share_by_bucket(need: Need, offer: Offer, flow: Flow) -> Share:
    reasons = set(offer.barred)
    if not offer.most:
        reasons |= offer.short
    if not flow.left("OWN"):
        reasons |= {"NOT_NEEDED", "NOT_PAYABLE"} if need.fen else {"NOT_NEEDED"}
    elif not flow.most("OWN", offer.free, offer.way):
        reasons.add("NOT_PAYABLE")
    fen = 0 if reasons else offer.most
    money = flow.draw("OWN", offer.free, offer.way, fen)
    return Share(offer.who, None, money, offer.way, frozenset(reasons))


def left_for_aid(need: Need, own: int, allocation: str) -> int:
    """What aid may still pay after own money, laid first where the region says (S94)."""
    if allocation == "ELIGIBLE_FIRST":
        return max(0, need.shared - own)
    return need.shared - max(0, own - need.own_only)


def share_out(
    need: Need, own: Offer, sponsors: Sequence[Offer], allocation: str, about: Round
) -> Split:
    """Share a bill out; `about` carries the limits over all sponsors."""
    about.flow = None if need.lines is None else Flow(need.lines)
    first = own_share(need, own, about.flow)
    about.payable = bool(need.shared) or not need.fen
    about.left = left_for_aid(need, first.money.fen, allocation)
    if about.flow is not None:
        about.left = about.flow.left("AID")
    shares = (first, *(about.give(offer) for offer in sponsors))
    return Split(shares, need.fen - sum(share.money.fen for share in shares))


def recast(split: Split, need: Need, allocation: str) -> Split:
    """The cascade for a smaller claim, on what everybody gave to the larger (policy.md I7)."""
    if need.lines is not None:
        return _recast_by_bucket(split, need, Flow(need.lines))
    own = split.shares[0]
    fen = min(own.money.fen, need.own_only + need.shared)
    left = left_for_aid(need, fen, allocation)
    shares = [own._replace(money=own.money.keep(fen, own.way))]
    for share in split.shares[1:]:
        fen = min(left, share.money.fen)
        left -= fen
        shares.append(share._replace(money=share.money.keep(fen, share.way)))
    return Split(tuple(shares), need.fen - sum(share.money.fen for share in shares))


def _recast_by_bucket(split: Split, need: Need, flow: Flow) -> Split:
    shares = []
    for number, share in enumerate(split.shares):
        whose = "AID" if number else "OWN"
        money = flow.draw(whose, share.money, share.way, share.money.fen, keeps=True)
        shares.append(share._replace(money=money))
    return Split(tuple(shares), need.fen - sum(share.money.fen for share in shares))


def without_aid(split: Split) -> Split:
    """The same split, as if no sponsor had given anything."""
    own, *sponsors = split.shares
    return split._replace(shares=(own, *(s._replace(money=Money()) for s in sponsors)))


def prorate(stays: Split, fen: int) -> Split:
    """Give back in proportion to what stays, by largest remainder, ties to the later payer."""
    amounts = [*(share.money.fen for share in stays.shares), stays.cash]
    total = max(1, sum(amounts))
    parts = [divmod(fen * amount, total) for amount in amounts]
    backs = [whole for whole, _ in parts]
    by_rest = sorted(range(len(parts)), key=lambda at: (parts[at][1], at), reverse=True)
    for at in by_rest[: fen - sum(backs)]:
        backs[at] += 1
    shares = [
        share._replace(money=share.money.keep(share.money.fen - back, share.way))
        for share, back in zip(stays.shares, backs, strict=False)
    ]
    return Split(tuple(shares), stays.cash - backs[-1])
