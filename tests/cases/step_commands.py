"""What a step asks for, in the words of the rules."""

from datetime import date, timedelta
from typing import NamedTuple

from aggregates.binding.binding import Kin, Offer
from aggregates.binding.events import Caps
from aggregates.binding.kinship import KinshipShown, parent_in
from aggregates.settlement.events import FeeLine
from aggregates.vocabulary import Relation
from service.person.kin import traits_in
from tests.cases.reading import Bound, Person, Step, fen


class Amounts(NamedTuple):
    """The sums and lines of a bill, in fen."""

    total_fen: int
    fund_pay_fen: int
    lines: tuple[FeeLine, ...] | None


def amounts_of(step: Step) -> Amounts:
    """A bill of a personal part, of a total and the fund's part, or of lines."""
    lines = None
    if step.lines is not None:
        lines = tuple(
            FeeLine(line=str(number), category=category, part=part, amount_fen=fen(amount))
            for number, (category, part, amount) in enumerate(step.lines, start=1)
        )
    fund_fen = fen(step.fund)
    if step.total is not None:
        return Amounts(fen(step.total), fund_fen, lines)
    personal_fen = sum(line.amount_fen for line in lines) if lines else fen(step.personal)
    return Amounts(personal_fen + fund_fen, fund_fen, lines)


def offer_of(bound: Bound) -> Offer:
    """What a sponsor offers."""
    return Offer(
        relation=bound.relation,
        uses=bound.uses,
        caps=caps_of(bound),
        valid_from=bound.valid_from,
        valid_until=bound.valid_until,
        rank=bound.rank,
    )


def caps_of(bound: Bound) -> Caps:
    """A sponsor's own caps."""
    return Caps(
        per_settlement_fen=bound.caps.per_settlement,
        per_day_fen=bound.caps.per_day,
        per_month_fen=bound.caps.per_month,
        per_year_fen=bound.caps.per_year,
        quota_fen=bound.caps.total,
    )


def kin_of(bound: Bound, registered: Relation | None, sponsor: Person, beneficiary: Person) -> Kin:
    """How a sponsor shows that the two are related, and what their ID numbers tell."""
    traits = (traits_in(cert_no(sponsor, 0)), traits_in(cert_no(beneficiary, 0)))
    shown = KinshipShown(bound.evidence, bound.reference or None, registered, traits)
    return Kin(shown, parent_in(bound.relation, *traits))


def cert_no(person: Person, number: int) -> str:
    """A made-up ID number of the person's sex and birth, another one for each number."""
    if person.sex == "unknown":
        return f"PASSPORT{number}"
    born_on = person.born or date(1990, 1, 1) + timedelta(days=number)
    digits = f"110105{born_on:%Y%m%d}{number % 100:02}{int(person.sex == 'M')}"
    weighed = sum(int(digit) * (1 << 17 - at) for at, digit in enumerate(digits)) % 11
    return digits + "10X98765432"[weighed]
