"""One event of every topic of a premium's life, as `tests/samples/events` holds it."""

from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import (
    PremiumConfirmed,
    PremiumHeld,
    PremiumOutcomeUnknown,
    PremiumRejected,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
    PremiumSentToTax,
)
from aggregates.topics import Event
from tests.service.ledger.stored_parts import AT, BINDING, ON, PATIENT, SPONSOR

PREMIUM_EVENTS: dict[str, Event] = {
    "premium.held/1": PremiumHeld(
        sponsor=SPONSOR,
        payee=PATIENT,
        binding=BINDING,
        insurance=PremiumType.RESIDENT_BASIC,
        year=2027,
        amount_fen=40000,
        edition="p0/2020-01",
        held_at=AT,
        on=ON,
    ),
    "premium.sent-to-tax/1": PremiumSentToTax(sent_at=AT),
    "premium.outcome-unknown/1": PremiumOutcomeUnknown(why="TIMEOUT"),
    "premium.confirmed/1": PremiumConfirmed(
        receipt="TAX-2026-000123",
        current_fen=30000,
        prior_fen=9000,
        uncovered_fen=1000,
        confirmed_at=AT,
        on=ON,
    ),
    "premium.rejected/1": PremiumRejected(code="PREMIUM_ALREADY_PAID"),
    "premium.reversal-requested/1": PremiumReversalRequested(reason="缴错人", requested_at=AT),
    "premium.reversal-refused/1": PremiumReversalRefused(code="BENEFIT_USED"),
    "premium.reversed/1": PremiumReversed(reversed_at=AT),
}
