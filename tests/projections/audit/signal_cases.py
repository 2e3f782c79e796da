"""The stories that the auditors' rules are held to: planted cases and look-alikes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregates.vocabulary import BindingStatus, InstitutionKind, Relation, StreamId
from tests.projections.audit.signal_story import (
    CLINIC,
    DAY,
    HOUR,
    NOON,
    SHOP,
    Plot,
    a_death,
    a_kin,
    a_loan,
    a_parting,
    a_place,
    a_showing,
    a_tie,
    no_kin,
    person,
)
from tests.projections.recorded_families import an_id

MINUTE = timedelta(minutes=1)
KIN, LINK = StreamId("kin_" + "1" * 32), an_id("lnk", 1)
NIGHT = NOON.replace(hour=23, minute=30)


def a_family_at_the_counter(
    gap: timedelta = MINUTE, place: StreamId = SHOP, sponsors: Sequence[int] = (9, 9, 9)
) -> Plot:
    plot = Plot().open_shops()
    for number, sponsor in enumerate(sponsors):
        plot.pay(number, NOON + number * gap, place=place, aid=(sponsor, 500, 90_000))
    return plot


def one_at_the_counter() -> Plot:
    plot = Plot().open_shops()
    for bill in range(4):
        plot.pay(1, NOON + bill * MINUTE, aid=(9, 500, 90_000))
    return plot


def a_drained_binding(
    gave: int = 9_500, days: int = 10, places: Sequence[StreamId] = (SHOP, SHOP)
) -> Plot:
    plot = Plot().open_shops()
    plot.bind(9, 1, NOON)
    plot.pay(1, NOON + DAY, place=places[0], aid=(9, gave - 100, 10_000))
    plot.pay(1, NOON + 2 * DAY, place=places[1], aid=(9, 100, 10_100 - gave))
    plot.part(9, NOON + days * DAY)
    return plot


def an_ended_binding() -> Plot:
    plot = a_drained_binding()
    plot.told.pop()
    plot.part(9, NOON + 10 * DAY, BindingStatus.ENDED)
    return plot


def a_hub(sponsors: int, parted: int = 0) -> Plot:
    plot = Plot()
    for number in range(sponsors):
        plot.tell(person(1), a_tie(number, 10 + number))
        if number < parted:
            plot.tell(person(1), a_parting(number))
    return plot


def a_churn(beneficiaries: Sequence[int], apart: timedelta = DAY) -> Plot:
    plot = Plot()
    for number, beneficiary in enumerate(beneficiaries):
        plot.tell(person(1), a_loan(number, beneficiary), NOON + number * apart)
    return plot


def a_late_bill(treated_at: datetime, *, is_told_first: bool) -> Plot:
    plot = Plot().open_shops()
    if is_told_first:
        plot.tell(person(1), a_death(NOON.date()), NOON + DAY)
    plot.pay(1, NOON + 3 * DAY, own=(100, 900), treated_at=treated_at)
    if not is_told_first:
        plot.tell(person(1), a_death(NOON.date()), NOON + 9 * DAY)
    return plot


def under_a_cap(*amounts: int, apart: timedelta = DAY, cap_fen: int | None = 10_000) -> Plot:
    plot = Plot().open_shops()
    plot.bind(9, 1, NOON, cap_fen)
    for number, amount in enumerate(amounts):
        plot.pay(1, NOON + number * apart, place=CLINIC, aid=(9, amount, 900_000))
    return plot


def to_the_fen(*bills: tuple[int, int, int], apart: timedelta = DAY) -> Plot:
    """Bills of (gave, available, cash)."""
    plot = Plot().open_shops()
    for number, (gave, had, cash_fen) in enumerate(bills):
        at = NOON + number * apart
        plot.pay(1, at, place=CLINIC, own=(gave, had), cash_fen=cash_fen)
    return plot


def given_back(times: int, after: timedelta, apart: timedelta = DAY) -> Plot:
    plot = Plot().open_shops()
    for number in range(times):
        at = NOON + number * apart
        plot.give_back(plot.pay(1, at, own=(100, 900)), at + after)
    return plot


def given_back_late(bills: int, refunds: int) -> Plot:
    """Many bills of one patient, then the oldest of them given back, one after the other."""
    plot = Plot(bills=1_000).open_shops()  # no other story's bills are called so
    bought = [plot.pay(1, NOON + number * MINUTE, own=(100, 900)) for number in range(bills)]
    for number, settlement in enumerate(bought[:refunds]):
        plot.give_back(settlement, NOON + bills * MINUTE + number * MINUTE)
    return plot


def at_hours(*moments: datetime, place: StreamId = SHOP, patients: Sequence[int] = ()) -> Plot:
    plot = Plot().open_shops()
    for number, at in enumerate(moments):
        patient = patients[number] if patients else 1
        plot.pay(patient, at + number * DAY, place=place, own=(100, 900))
    return plot


def relatives(*told: tuple[int, Relation | None]) -> Plot:
    plot = Plot()
    for relative, relation in told:
        plot.tell(KIN, no_kin(relative) if relation is None else a_kin(1, relative, relation))
    return plot


def shown_on(*days: int) -> Plot:
    plot = Plot()
    for day in days:
        plot.tell(LINK, a_showing(NOON + day * DAY), NOON + day * DAY)
    return plot


def a_month(shares: Sequence[int], bills: int = 20, *, is_over: bool = True) -> Plot:
    """Pharmacies whose bills aid pays to these hundredths; then perhaps a bill in April."""
    plot = Plot()
    places = [an_id("ins", 10 + number) for number, _ in enumerate(shares)]
    for place in places:
        plot.tell(place, a_place(InstitutionKind.PHARMACY))
    for number, (place, percent) in enumerate(zip(places, shares, strict=True)):
        for bill in range(bills):
            at = NOON + bill * DAY + number * HOUR
            aid = (9, percent, 900_000)
            plot.pay(100 * number + bill, at, place=place, own=(100 - percent, 900), aid=aid)
    if is_over:
        plot.pay(1, NOON + 31 * DAY, place=places[0], own=(1, 900))
    return plot
