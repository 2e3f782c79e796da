"""A hold: the money of a bill that is not final, set aside on every payer's account as one unit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from aggregates.account.events import Held, HoldReleased
from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.pool.events import PoolHeld, PoolHoldReleased
from aggregates.pool.pool import Pool
from aggregates.refusals import CaptureExceedsError, HoldVoidError
from aggregates.settlement.bill import personal_of
from aggregates.settlement.events import Claim, PayerShare
from aggregates.settlement.resplit import recast
from aggregates.settlement.settlement import ClaimSplit
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, Reason, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimHeld:
    """A bill was split, and every payer's part set aside until `expires_at` as one unit."""

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
    """A settlement debited the held money, whole or in part; the rest is available again."""

    settlement: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded:
    """The held money is available again; nothing was debited."""

    why: HoldEnd


ENDS = {
    HoldEnd.RELEASED: HoldStatus.RELEASED,
    HoldEnd.EXPIRED: HoldStatus.EXPIRED,
    HoldEnd.ENDED: HoldStatus.VOID,
    HoldEnd.CAPTURED: HoldStatus.CAPTURED,  # never written: HoldCaptured says it; still folded
}
"""The status of a hold by how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The state of a hold; `settlement` is the one that captured it."""

    held: ClaimHeld
    status: HoldStatus
    settlement: StreamId | None = None

    def status_at(self, now: Instant) -> HoldStatus:
        """The status at a moment. A hold expires without an event."""
        if self.status is HoldStatus.HELD and self.held.expires_at <= now.at:
            return HoldStatus.EXPIRED
        return self.status


HoldEvent = ClaimHeld | HoldCaptured | HoldEnded


def evolve(hold: Hold | None, event: HoldEvent) -> Hold:
    """Fold one event into a hold; nothing is refused."""
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


Fund = Account | Pool
"""What holds money for a bill."""


def holds_of(hold_id: StreamId, held: ClaimHeld) -> list[tuple[StreamId, Held | PoolHeld]]:
    """What a hold sets aside: one event per payer; the patient's account counts the aid."""
    patient = held.claim.beneficiary
    shares = {_fund_of(s): s for s in held.payers if s.account and s.current_fen + s.prior_fen}
    funds = [*shares] if patient in shares or not held.aid_fen else [*shares, patient]
    return [(fund, _hold_of(hold_id, held, fund, shares.get(fund))) for fund in funds]


def _fund_of(share: PayerShare) -> StreamId:
    fund = share.from_pool or share.account
    assert fund is not None, "who pays has a fund"
    return fund


def _hold_of(
    hold_id: StreamId, held: ClaimHeld, fund: StreamId, share: PayerShare | None
) -> Held | PoolHeld:
    if share is not None and share.from_pool is not None:
        return PoolHeld(
            hold=hold_id,
            binding=share.binding,
            amount_fen=share.current_fen + share.prior_fen,
            on=held.on,
            expires_at=held.expires_at,
        )
    return Held(
        hold=hold_id,
        binding=share.binding if share else None,
        current_fen=share.current_fen if share else 0,
        prior_fen=share.prior_fen if share else 0,
        aid_fen=held.aid_fen if fund == held.claim.beneficiary else 0,
        on=held.on,
        expires_at=held.expires_at,
    )


def frees_of(
    hold_id: StreamId, funds: Mapping[StreamId, Fund], why: HoldEnd
) -> list[tuple[StreamId, HoldReleased | PoolHoldReleased]]:
    """The events that release a hold, for every account and pool that still has it."""
    return [
        (
            fund_id,
            PoolHoldReleased(hold=hold_id, why=why)
            if isinstance(fund, Pool)
            else HoldReleased(hold=hold_id, why=why),
        )
        for fund_id, fund in funds.items()
        if any(hold.hold == hold_id for hold in fund.holds)
    ]


def funds_in(held: ClaimHeld) -> list[StreamId]:
    """Every account and pool with a part of a hold: the payers', and the patient's account."""
    paying = [_fund_of(s) for s in held.payers if s.account and s.current_fen + s.prior_fen]
    return list(dict.fromkeys([*paying, held.claim.beneficiary]))


def check_held(hold: Hold, now: Instant) -> None:
    """Refuse a hold that is captured, released, void or expired: HoldVoidError."""
    status = hold.status_at(now)
    if status is not HoldStatus.HELD:
        raise HoldVoidError(status=status)


def capture(
    hold_id: StreamId,
    hold: Hold,
    claim: Claim,
    funds: Mapping[StreamId, Fund],
    edition: Edition,
) -> ClaimSplit:
    """Split a bill over what was held for it, whatever happened to the family since.

    Raises:
        HoldVoidError: a payer's account ended;
        CaptureExceedsError: the personal part is larger than the held one.
    """
    if personal_of(claim) > personal_of(hold.held.claim):
        raise CaptureExceedsError
    held = hold.held
    split = recast(claim, tuple(_as_held(hold_id, share, funds) for share in held.payers), edition)
    patient = funds[claim.beneficiary]
    assert isinstance(patient, Account), "a patient has an account"
    return ClaimSplit(claim, held.place_region, held.editions, split, held.reasons, patient)


def _as_held(hold_id: StreamId, share: PayerShare, funds: Mapping[StreamId, Fund]) -> PayerShare:
    """A payer's part by the buckets where it is held now: they change when a year is closed.

    A pool has no buckets; the end of its owner's account releases its holds.
    """
    if share.account is None or share.current_fen + share.prior_fen == 0:
        return share
    fund = funds[_fund_of(share)]
    if isinstance(fund, Pool):
        if any(held.hold == hold_id for held in fund.holds):
            return share
        raise HoldVoidError(status=HoldStatus.VOID)
    for held in fund.holds:
        if held.hold == hold_id and fund.ending is None:
            return replace(share, current_fen=held.current_fen, prior_fen=held.prior_fen)
    raise HoldVoidError(status=HoldStatus.VOID)
