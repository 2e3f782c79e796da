"""The cascade as a model for an SMT solver, from policy.md §3.2 and §8.1, not from the code.

Amounts are whole numbers of fen without an upper bound, a family has a fixed number of sponsors,
and every rule is a free variable: the solver looks for a family and rules that break a law.
Rules of buckets are not in the model.
"""

from typing import Any, NamedTuple

import z3

Term = Any
"""A term of the solver, which ships no types."""


class SponsorTerms(NamedTuple):
    """One sponsor: closed by a reason, money, the lowest cap (if any), and SKIP at a cap."""

    closed: Term
    available: Term
    has_cap: Term
    cap: Term
    skips: Term


class RuleTerms(NamedTuple):
    """The beneficiary's rules that the sponsors' part depends on."""

    by_hand: Term
    missing_skips: Term
    has_payers_max: Term
    payers_max: Term
    must_cover: Term
    has_common_cap: Term
    common_cap: Term


class BillTerms(NamedTuple):
    """The parts of a bill, own money, and how it is used."""

    personal: Term
    shared: Term
    own_only: Term
    own_available: Term
    uses_account: Term
    unused_stops_aid: Term
    ineligible_first: Term
    closed: Term


class SplitTerms(NamedTuple):
    """What everybody pays."""

    own: Term
    aid: tuple[Term, ...]
    cash: Term


def sponsors_of(count: int) -> tuple[SponsorTerms, ...]:
    return tuple(
        SponsorTerms(
            z3.Bool(f"closed{n}"),
            z3.Int(f"available{n}"),
            z3.Bool(f"has_cap{n}"),
            z3.Int(f"cap{n}"),
            z3.Bool(f"skips{n}"),
        )
        for n in range(count)
    )


RULES = RuleTerms(
    z3.Bool("by_hand"),
    z3.Bool("missing_skips"),
    z3.Bool("has_payers_max"),
    z3.Int("payers_max"),
    z3.Bool("must_cover"),
    z3.Bool("has_common_cap"),
    z3.Int("common_cap"),
)
BILL = BillTerms(
    z3.Int("personal"),
    z3.Int("shared"),
    z3.Int("own_only"),
    z3.Int("own_available"),
    z3.Bool("uses_account"),
    z3.Bool("unused_stops_aid"),
    z3.Bool("ineligible_first"),
    z3.Bool("bill_closed"),
)
ORDER_SET = z3.Bool("order_set")


def sound(bill: BillTerms, sponsors: tuple[SponsorTerms, ...], rules: RuleTerms) -> Term:
    """What every real bill, family and edition has: no amount below zero, parts of the whole."""
    amounts = [bill.shared, bill.own_only, bill.own_available, rules.common_cap]
    amounts += [fen for s in sponsors for fen in (s.available, s.cap)]
    return z3.And(
        *(fen >= 0 for fen in amounts),
        bill.personal >= bill.shared + bill.own_only,
        rules.payers_max >= 1,
    )


def least(one: Term, other: Term) -> Term:
    return z3.If(one < other, one, other)


def split_terms(
    bill: BillTerms, sponsors: tuple[SponsorTerms, ...], rules: RuleTerms, order_set: Term
) -> SplitTerms:
    """Own money first, then the sponsors in order, then cash."""
    own = z3.If(bill.uses_account, least(bill.shared + bill.own_only, bill.own_available), 0)
    spilled = z3.If(own > bill.own_only, own - bill.own_only, 0)
    on_shared = z3.If(bill.ineligible_first, spilled, least(own, bill.shared))
    left = bill.shared - on_shared
    no_order = (
        z3.And(rules.by_hand, rules.missing_skips, z3.Not(order_set))
        if len(sponsors) > 1
        else z3.BoolVal(val=False)
    )
    unused = z3.And(z3.Not(bill.uses_account), bill.unused_stops_aid)
    no_aid = z3.Or(bill.closed, no_order, unused)
    common, payers = rules.common_cap, z3.IntVal(0)
    aid: list[Term] = []
    for sponsor in sponsors:
        wish = least(left, sponsor.available)
        fen = z3.If(sponsor.has_cap, least(wish, sponsor.cap), wish)
        fen = z3.If(rules.has_common_cap, least(fen, common), fen)
        full = z3.And(rules.has_payers_max, payers >= rules.payers_max)
        covers = z3.And(rules.must_cover, rules.has_payers_max, rules.payers_max == 1)
        skipped = z3.Or(
            no_aid,
            sponsor.closed,
            full,
            z3.And(sponsor.skips, fen < wish),
            z3.And(covers, fen < left),
        )
        paid = z3.If(skipped, 0, fen)
        aid.append(paid)
        left, common = left - paid, common - paid
        payers = payers + z3.If(paid > 0, 1, 0)
    return SplitTerms(own, tuple(aid), bill.personal - own - sum(aid))


def one_more_costs(count: int, at: int) -> Term:
    """The sponsor at a place of the order makes the patient pay more than without him."""
    sponsors = sponsors_of(count)
    without = (*sponsors[:at], *sponsors[at + 1 :])
    more = split_terms(BILL, sponsors, RULES, ORDER_SET).cash
    less = split_terms(BILL, without, RULES, ORDER_SET).cash
    return z3.And(sound(BILL, sponsors, RULES), more > less)


def named_keys(sponsors: tuple[SponsorTerms, ...]) -> dict[str, Term]:
    """When `policy check` names a key of an edition, for a family that is all of it."""
    lone_cover = z3.And(RULES.payers_max == 1, RULES.must_cover)
    return {
        "order.order_missing": z3.And(RULES.by_hand, RULES.missing_skips),
        "order.max_payers_per_settlement": z3.And(RULES.has_payers_max, z3.Not(lone_cover)),
        "money.cap_on_exceed": z3.And(RULES.has_common_cap, z3.Or(*(s.skips for s in sponsors))),
    }
