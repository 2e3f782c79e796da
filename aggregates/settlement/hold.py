"""A hold: a bill whose money is set aside before it is final, for the whole cascade as one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from aggregates.account.events import Held, HoldReleased
from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.refusals import CaptureExceedsError, HoldVoidError
from aggregates.settlement.bill import personal_of
from aggregates.settlement.events import Claim, PayerShare
from aggregates.settlement.resplit import recast
from aggregates.settlement.settlement import ClaimSplit
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, Reason, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimHeld:
    """A bill was split and every payer's part set aside until `expires_at`, as one unit."""

    claim: Claim
    place_region: str
    editions: dict[str, str]
    read: dict[StreamId, int]
    payers: tuple[PayerShare, ...]
    reasons: tuple[Reason, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int
    held_at: datetime
    expires_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCaptured:
    """The money set aside was debited, whole or in part, by this settlement; the rest is free."""

    settlement: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded:
    """The money set aside is free again, and nothing was debited."""

    why: HoldEnd


ENDS = {
    HoldEnd.RELEASED: HoldStatus.RELEASED,
    HoldEnd.EXPIRED: HoldStatus.EXPIRED,
    HoldEnd.ENDED: HoldStatus.VOID,
    HoldEnd.CAPTURED: HoldStatus.CAPTURED,  # HoldCaptured says so; a fold takes it all the same
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


def held_of(
    claim_split: ClaimSplit, read: dict[StreamId, int], now: Instant, expires_at: datetime
) -> ClaimHeld:
    """The hold that a split makes."""
    split = claim_split.split
    return ClaimHeld(
        claim=claim_split.claim,
        place_region=claim_split.place_region,
        editions=claim_split.editions,
        read=read,
        payers=split.payers,
        reasons=claim_split.reasons,
        own_fen=split.own_fen,
        aid_fen=split.aid_fen,
        cash_fen=split.cash_fen,
        held_at=now.at,
        expires_at=expires_at,
        on=now.on,
    )


def holds_of(hold_id: StreamId, held: ClaimHeld) -> list[tuple[StreamId, Held]]:
    """What a hold sets aside: one event per payer, and the aid counted on the patient's."""
    patient = held.claim.beneficiary
    parts = {s.account: s for s in held.payers if s.account and s.current_fen + s.prior_fen}
    accounts = [*parts] if patient in parts or not held.aid_fen else [*parts, patient]
    return [
        (
            account_id,
            Held(
                hold=hold_id,
                binding=parts[account_id].binding if account_id in parts else None,
                current_fen=parts[account_id].current_fen if account_id in parts else 0,
                prior_fen=parts[account_id].prior_fen if account_id in parts else 0,
                aid_fen=held.aid_fen if account_id == patient else 0,
                on=held.on,
                expires_at=held.expires_at,
            ),
        )
        for account_id in accounts
    ]


def frees_of(
    hold_id: StreamId, accounts: Mapping[StreamId, Account], why: HoldEnd
) -> list[tuple[StreamId, HoldReleased]]:
    """What frees the money again, on every account that still holds it."""
    return [
        (account_id, HoldReleased(hold=hold_id, why=why))
        for account_id, account in accounts.items()
        if any(hold.hold == hold_id for hold in account.holds)
    ]


def accounts_in(held: ClaimHeld) -> list[StreamId]:
    """Every account that a hold set something aside on, or counted aid on."""
    paying = [s.account for s in held.payers if s.account and s.current_fen + s.prior_fen]
    return list(dict.fromkeys([*paying, held.claim.beneficiary]))


def check_held(hold: Hold, now: Instant) -> None:
    """Let only a hold that is in force go on.

    Raises:
        HoldVoidError: it is captured, released or void, or ran out.
    """
    status = hold.status_at(now)
    if status is not HoldStatus.HELD:
        raise HoldVoidError(status=status)


def capture(
    hold_id: StreamId,
    hold: Hold,
    claim: Claim,
    accounts: Mapping[StreamId, Account],
    edition: Edition,
) -> ClaimSplit:
    """Split a bill over what was held for it, whatever happened to the family since.

    Raises:
        HoldVoidError: a payer's account ended; CaptureExceedsError: the bill has grown.
    """
    if personal_of(claim) > personal_of(hold.held.claim):
        raise CaptureExceedsError
    held = hold.held
    split = recast(
        claim, tuple(_as_held(hold_id, share, accounts) for share in held.payers), edition
    )
    patient = accounts[claim.beneficiary]
    return ClaimSplit(claim, held.place_region, held.editions, split, held.reasons, patient)


def _as_held(
    hold_id: StreamId, share: PayerShare, accounts: Mapping[StreamId, Account]
) -> PayerShare:
    """A payer's part in the buckets where it is held now: a year may have turned."""
    if share.account is None or share.current_fen + share.prior_fen == 0:
        return share
    account = accounts[share.account]
    for held in account.holds:
        if held.hold == hold_id and account.ending is None:
            return replace(share, current_fen=held.current_fen, prior_fen=held.prior_fen)
    raise HoldVoidError(status=HoldStatus.VOID)
