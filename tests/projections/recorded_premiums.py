"""What becomes of a made-up family's premium, by the family's number."""

from datetime import UTC, date, datetime

from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import (
    PremiumConfirmed,
    PremiumEvent,
    PremiumHeld,
    PremiumOutcomeUnknown,
    PremiumRejected,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
    PremiumSentToTax,
)
from aggregates.vocabulary import StreamId

AT, ON = datetime(2026, 10, 5, 2, tzinfo=UTC), date(2026, 10, 5)
SENT, UNKNOWN = PremiumSentToTax(sent_at=AT), PremiumOutcomeUnknown(why="TIMEOUT")
CONFIRMED = PremiumConfirmed(
    receipt="R", current_fen=40000, prior_fen=0, uncovered_fen=0, confirmed_at=AT, on=ON
)
ASKED = PremiumReversalRequested(reason="asked", requested_at=AT)
LIVES: tuple[tuple[PremiumEvent, ...], ...] = (
    (),
    (SENT,),
    (SENT, UNKNOWN),
    (SENT, CONFIRMED),
    (SENT, UNKNOWN, PremiumRejected(code="PREMIUM_ALREADY_PAID")),
    (SENT, CONFIRMED, ASKED),
    (SENT, CONFIRMED, ASKED, PremiumReversalRefused(code="CLEARED")),
    (SENT, CONFIRMED, ASKED, PremiumReversed(reversed_at=AT)),
)
"""Every way a premium may go; in the first three and the sixth it waits for the tax side."""


def a_held(sponsor: StreamId, payee: StreamId, binding: StreamId) -> PremiumHeld:
    return PremiumHeld(
        sponsor=sponsor,
        payee=payee,
        binding=binding,
        insurance=PremiumType.RESIDENT_BASIC,
        year=2027,
        amount_fen=40000,
        edition="p0/2020-01",
        held_at=AT,
        on=ON,
    )


def a_premium(
    parties: tuple[StreamId, StreamId, StreamId], number: int
) -> tuple[PremiumEvent, ...]:
    """A premium of payee, sponsor and binding, and what became of it."""
    payee, sponsor, binding = parties
    return a_held(sponsor, payee, binding), *LIVES[number % len(LIVES)]
