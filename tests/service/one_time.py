"""What holds for every log, however the clocks of those who wrote it differed (D3)."""

from collections.abc import Iterable

from aggregates.account.reserved import assert_sound
from aggregates.account.state import Account
from aggregates.settlement.events import Settled
from aggregates.settlement.hold import ClaimHeld
from aggregates.vocabulary import instant
from service.clock import of_micros
from service.ledger.codec import Recorded


def check_log(log: Iterable[Recorded], states: Iterable[object]) -> None:
    """One time, sums that are exact, nothing below zero, and what is set aside is there.

    Raises:
        AssertionError: it is not so.
    """
    newest = 0
    for one in log:
        assert one.recorded_at >= newest
        newest = one.recorded_at
        event = one.event
        if isinstance(event, Settled | ClaimHeld):
            at = event.settled_at if isinstance(event, Settled) else event.held_at
            assert at == of_micros(newest)
            given = [share.current_fen + share.prior_fen for share in event.payers]
            assert min(min(s.current_fen, s.prior_fen) for s in event.payers) >= 0
            assert [event.own_fen, event.aid_fen] == [given[0], sum(given[1:])]
            personal_fen = event.claim.total_fen - event.claim.fund_pay_fen
            assert personal_fen == event.own_fen + event.aid_fen + event.cash_fen
            assert event.cash_fen >= 0
    for state in states:
        if isinstance(state, Account):
            assert_sound(state, instant(of_micros(newest)))
