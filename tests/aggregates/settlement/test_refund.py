"""Partial refunds: what each payer gets back, and what is left (policy.md §3.4, §8.6)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregates.policy.choices import CapOnExceed, RefundMode, RefundUntil, SinglePayerShortfall
from aggregates.policy.edition import Edition, RefundDays
from aggregates.refusals import (
    AlreadyCancelledError,
    AmountOutOfRangeError,
    LinesMismatchError,
    PartialRefundNotAllowedError,
    RefundExceedsError,
)
from aggregates.settlement import refund as rules
from aggregates.settlement.bill import personal_of, smaller
from aggregates.settlement.events import PartRefunded, PayerShare, SettlementCancelled
from aggregates.settlement.refund import RefundRequest, is_open
from aggregates.settlement.resplit import recast
from aggregates.settlement.settlement import Remainder, Settlement, evolve, split_claim
from aggregates.vocabulary import Reason, SettlementStatus
from tests.aggregates.settlement.bills import PATIENT
from tests.aggregates.settlement.families import NOW, P0, SHIPPED, Told, tellings
from tests.aggregates.settlement.test_settlement import S1, S2, a_share, settled
from tests.given_when_then import fold

PRORATA = replace(P0, refund=replace(P0.refund, refund_mode=(RefundMode.PARTIAL_PRORATA,)))
WHOLE_ONLY = replace(P0, refund=replace(P0.refund, refund_mode=(RefundMode.FULL_RESETTLE,)))
S06 = settled(a_share(PATIENT, 5000), a_share(S1, 12000), a_share(S2, 7999), cash_fen=5001)
"""The settlement of policy.md S06: 50.00, 120.00, 79.99 and 50.01 in cash."""


def back(event: PartRefunded) -> dict[str, int]:
    """What each account gets back, and the cash."""
    paid = {str(p.account): p.current_fen + p.prior_fen for p in event.payers}
    return paid | ({"cash": event.cash_fen} if event.cash_fen else {})


def stay_of(settlement: Settlement) -> Remainder:
    assert settlement.stay is not None
    return settlement.stay


def fens(payers: Iterable[PayerShare]) -> list[int]:
    return [share.current_fen + share.prior_fen for share in payers]


def refund(
    amount_fen: int, edition: Edition = P0, lines: rules.LineAmounts | None = None
) -> PartRefunded:
    """A refund of S06."""
    return rules.refund(fold(evolve, S06), RefundRequest(amount_fen, lines), "told", edition)


@pytest.mark.parametrize(
    ("amount_fen", "expected"),
    [
        (1, {"cash": 1}),
        (5001, {"cash": 5001}),
        (10000, {"cash": 5001, str(S2): 4999}),
        (13001, {"cash": 5001, str(S2): 7999, str(S1): 1}),
        (30000, {"cash": 5001, str(S2): 7999, str(S1): 12000, str(PATIENT): 5000}),
    ],
)
def test_cash_goes_back_first_and_own_money_last(amount_fen: int, expected: dict[str, int]) -> None:
    """The last payer gets money back first (S67)."""
    event = refund(amount_fen)
    after = evolve(fold(evolve, S06), event)

    assert expected == back(event)
    assert SettlementStatus.PART_REFUNDED is after.status
    assert 30000 - amount_fen == personal_of(stay_of(after).claim)
    assert 30000 - amount_fen == sum(fens(stay_of(after).payers)) + stay_of(after).cash_fen


@pytest.mark.parametrize(
    ("amount_fen", "expected"),
    [
        (30000, {str(PATIENT): 5000, str(S1): 12000, str(S2): 7999, "cash": 5001}),
        (15000, {str(PATIENT): 2500, str(S1): 6000, str(S2): 3999, "cash": 2501}),
        (1, {str(S1): 1}),
    ],
)
def test_by_share_everybody_gets_his_part_back(amount_fen: int, expected: dict[str, int]) -> None:
    """In proportion to what each still pays; rounding goes to the largest remainders."""
    assert expected == back(refund(amount_fen, PRORATA))


@pytest.mark.parametrize(
    ("amount_fen", "lines", "edition", "error"),
    [
        (30001, None, P0, RefundExceedsError),
        (0, None, P0, AmountOutOfRangeError),
        (-1, None, P0, AmountOutOfRangeError),
        (100, (("1", 100),), P0, LinesMismatchError),
        (100, None, WHOLE_ONLY, PartialRefundNotAllowedError),
    ],
)
def test_what_cannot_be_refunded_is_refused(
    amount_fen: int, lines: rules.LineAmounts | None, edition: Edition, error: type[Exception]
) -> None:
    """Too much, nothing, lines of a bill without lines, or a region that only cancels (S69)."""
    with pytest.raises(error):
        refund(amount_fen, edition, lines)


def test_nothing_is_refunded_of_what_was_cancelled() -> None:
    """A cancelled settlement has no partial refunds."""
    cancelled = fold(evolve, S06, SettlementCancelled(reason="told"))

    with pytest.raises(AlreadyCancelledError):
        rules.refund(cancelled, RefundRequest(1, None), "told", P0)


def test_a_second_refund_sees_only_what_stays() -> None:
    """Refund by refund, never more than was paid (S69)."""
    once = evolve(fold(evolve, S06), refund(20000))

    event = rules.refund(once, RefundRequest(10000, None), "told", P0)

    assert {str(S1): 5000, str(PATIENT): 5000} == back(event)
    with pytest.raises(RefundExceedsError):
        rules.refund(once, RefundRequest(10001, None), "told", P0)


DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("until", "settled_on", "cleared", "expected"),
    [
        (RefundUntil.SAME_DAY, DAY, None, True),
        (RefundUntil.SAME_DAY, date(2026, 3, 1), None, False),
        (RefundDays(days=30), date(2026, 1, 31), DAY, True),
        (RefundDays(days=30), date(2026, 1, 30), None, False),
        (RefundUntil.UNTIL_CLEARED, date(2026, 3, 1), None, True),
        (RefundUntil.UNTIL_CLEARED, date(2026, 3, 1), date(2026, 2, 28), True),
        (RefundUntil.UNTIL_CLEARED, date(2026, 3, 1), date(2026, 3, 1), False),
        (RefundUntil.UNLIMITED, date(2020, 1, 1), DAY, True),
    ],
)
def test_a_window_is_open_as_long_as_the_region_says(
    until: RefundUntil | RefundDays, settled_on: date, cleared: date | None, *, expected: bool
) -> None:
    """The same day, some days, until the institution was paid, or for ever."""
    assert expected == is_open(until, settled_on, cleared, NOW._replace(on=DAY))


def drawn(told: Told, data: st.DataObject) -> tuple[Remainder, RefundRequest]:
    """The remainder of a settled bill, and a part of it by amount or by lines."""
    stay = Remainder(
        told.claim, told.split.payers, told.split.own_fen, told.split.aid_fen, told.split.cash_fen
    )
    personal_fen = personal_of(told.claim)
    assume(personal_fen > 0)
    return stay, RefundRequest(data.draw(st.integers(1, personal_fen)), None)


def as_settlement(told: Told, stay: Remainder) -> Settlement:
    event = replace(
        settled(*told.split.payers),
        claim=told.claim,
        own_fen=stay.own_fen,
        aid_fen=stay.aid_fen,
        cash_fen=stay.cash_fen,
    )
    return fold(evolve, event)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*SHIPPED, None]).flatmap(tellings), st.data())
def test_what_stays_is_the_split_of_the_smaller_bill(told: Told, data: st.DataObject) -> None:
    """Settling A and refunding r is settling A - r, where no single payer must cover (I7)."""
    terms = told.family.edition
    clamps = all(
        s.edition.money.cap_on_exceed is CapOnExceed.CLAMP for s in told.family.sponsors.values()
    )
    assume(clamps and terms.order.single_payer_shortfall is SinglePayerShortfall.USE_PARTIAL)
    stay, asked = drawn(told, data)
    lines = rules._lines_of(stay.claim, asked, terms.items)  # noqa: SLF001 -- where it is taken
    left = smaller(stay.claim, asked.amount_fen, lines)

    again = split_claim(left, told.family, told.place, told.now).split

    assert fens(again.payers) == fens(recast(left, stay.payers, terms).payers)
    assert again.cash_fen == recast(left, stay.payers, terms).cash_fen


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([*SHIPPED, None]).flatmap(tellings),
    st.sampled_from([RefundMode.PARTIAL_RECAST, RefundMode.PARTIAL_PRORATA]),
    st.data(),
)
def test_a_refund_takes_from_nobody(told: Told, mode: RefundMode, data: st.DataObject) -> None:
    """Under any edition and mode nobody pays more than before, and every fen is returned."""
    terms = told.family.edition
    edition = replace(terms, refund=replace(terms.refund, refund_mode=(mode,)))
    stay, asked = drawn(told, data)
    settlement = as_settlement(told, stay)

    event = rules.refund(settlement, asked, "told", edition)

    left = stay_of(evolve(settlement, event))
    assert asked.amount_fen == event.own_fen + event.aid_fen + event.cash_fen
    assert all(s.current_fen >= 0 and s.prior_fen >= 0 for s in left.payers)
    assert left.cash_fen >= 0
    assert (left.own_fen, left.aid_fen) == (fens(left.payers)[0], sum(fens(left.payers)[1:]))
    assert personal_of(left.claim) == left.own_fen + left.aid_fen + left.cash_fen


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*SHIPPED, None]).flatmap(tellings), st.data())
def test_own_money_stays_first_after_a_refund(told: Told, data: st.DataObject) -> None:
    """While a sponsor still pays, the patient pays all that he paid before (I2)."""
    stay, asked = drawn(told, data)
    settlement = as_settlement(told, stay)

    left = stay_of(evolve(settlement, rules.refund(settlement, asked, "told", told.family.edition)))

    reasons = {share.reason for share in stay.payers}
    if left.aid_fen and Reason.ACCOUNT_UNUSED not in reasons:
        assert left.own_fen == stay.own_fen or not shared_first(told)


def shared_first(told: Told) -> bool:
    """Whether own money is on lines that aid can pay, so that none of it is refunded early."""
    return told.claim.lines is None
