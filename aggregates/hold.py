"""A hold: a bill whose money is set aside before it is final, for the whole cascade as one."""

from dataclasses import dataclass, replace

from aggregates.hold_events import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, StreamId

ENDS = {
    HoldEnd.RELEASED: HoldStatus.RELEASED,
    HoldEnd.EXPIRED: HoldStatus.EXPIRED,
    HoldEnd.ENDED: HoldStatus.VOID,
}
"""What a hold is called after it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold as its events left it; captured, it names its settlement."""

    held: ClaimHeld
    status: HoldStatus
    settlement: StreamId | None = None

    def status_at(self, now: Instant) -> HoldStatus:
        """Where it stands at a moment: one that ran out needs no event to be so."""
        if self.status is HoldStatus.HELD and self.held.expires_at <= now.at:
            return HoldStatus.EXPIRED
        return self.status


HoldEvent = ClaimHeld | HoldCaptured | HoldEnded


def evolve(hold: Hold | None, event: HoldEvent) -> Hold:
    """Fold one event into a hold. Never judges."""
    if isinstance(event, ClaimHeld):
        return Hold(held=event, status=HoldStatus.HELD)
    assert hold is not None, "a hold begins with ClaimHeld"
    if isinstance(event, HoldCaptured):
        return replace(hold, status=HoldStatus.CAPTURED, settlement=event.settlement)
    return replace(hold, status=ENDS[event.why])
