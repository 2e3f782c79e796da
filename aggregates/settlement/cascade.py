"""The deduction cascade: whose account pays, how much, and in which order.

Pure arithmetic on whole fen, without clock, randomness or database: the same bill, payers and
policy always give the same split, also when an audit decides again.
"""

from typing import NamedTuple

from aggregates.policy.choices import AccountUnused, OwnAllocation, SinglePayerShortfall, Whose
from aggregates.policy.edition import Edition
from aggregates.settlement.bill import PayableParts
from aggregates.settlement.events import PayerShare
from aggregates.settlement.payable_money import AID_MONEY, OWN_MONEY, Room
from aggregates.settlement.purse import CapLeft, Purse
from aggregates.vocabulary import Bucket, Reason


class Payers(NamedTuple):
    """Who may pay: the patient first, then the sponsors in the agreed order.

    `own` is a member of its own, so that no order can put a sponsor before the patient (R115).
    With an `aid_reason` no sponsor pays; `aid_limit` limits all sponsors together.
    """

    own: Purse
    sponsors: tuple[Purse, ...]
    aid_reason: Reason | None
    aid_limit: CapLeft | None


class Split(NamedTuple):
    """How a bill is paid: every payer considered, own first, and the cash the patient pays."""

    payers: tuple[PayerShare, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int


def decide(bill: PayableParts, payers: Payers, edition: Edition) -> Split:
    """Split a bill over the payers by the beneficiary's edition; the rest is `cash_fen`.

    Each purse gives as much as the rules allow before the next one gives anything. Where buckets
    have rules (`items.bucket_rules`), own money goes first on what aid may not pay.
    """
    room = None if bill.by_mask is None else Room(bill.by_mask)
    if room is None:
        own, left_fen = _own_share(bill, payers.own, edition)
    else:
        own, left_fen = _own_share_by_bucket(bill, payers.own, room)
    shares = [own]
    own_fen = own.current_fen + own.prior_fen
    shares += _sponsor_shares(left_fen, bill, payers, edition, room)
    aid_fen = -own_fen
    for share in shares:
        assert share.current_fen >= 0 <= share.prior_fen, "nobody pays below zero"
        aid_fen += share.current_fen + share.prior_fen
    cash_fen = bill.personal_fen - own_fen - aid_fen
    assert cash_fen >= 0, "every fen has one payer"
    assert own_fen + aid_fen + cash_fen == bill.personal_fen, "the parts are the whole"
    assert aid_fen <= left_fen, "aid pays only what own money left of the shared part"
    return Split(tuple(shares), own_fen, aid_fen, cash_fen)


def _own_share(bill: PayableParts, purse: Purse, edition: Edition) -> tuple[PayerShare, int]:
    """The patient's own share, and how many fen of the shared part are left for aid (S94)."""
    if not bill.use_account:
        return _share(purse, 0, purse.reason or Reason.ACCOUNT_UNUSED), bill.shared_fen
    payable_fen = bill.shared_fen + bill.own_only_fen
    take_fen = min(payable_fen, purse.available_fen)
    if edition.money.own_allocation is OwnAllocation.INELIGIBLE_FIRST:
        on_shared_fen = max(0, take_fen - bill.own_only_fen)
    else:
        on_shared_fen = min(take_fen, bill.shared_fen)
    left_fen = bill.shared_fen - on_shared_fen
    if take_fen:
        return _share(purse, take_fen), left_fen
    unneeded = Reason.NOT_PAYABLE if bill.personal_fen else Reason.NOT_NEEDED
    return _share(purse, 0, unneeded if payable_fen == 0 else purse.reason), left_fen


def _own_share_by_bucket(bill: PayableParts, purse: Purse, room: Room) -> tuple[PayerShare, int]:
    """As `_own_share`, each bucket for the lines that it may pay (regions.md §4 row 3)."""
    if not bill.use_account:
        return _share(purse, 0, purse.reason or Reason.ACCOUNT_UNUSED), room.left(AID_MONEY)
    payable_fen = room.left(OWN_MONEY)
    purse = purse._replace(buckets=room.within(Whose.OWN, purse.buckets))
    take_fen = min(purse.available_fen, sum(fen for _, fen in purse.buckets))
    unneeded = Reason.NOT_PAYABLE if bill.personal_fen else Reason.NOT_NEEDED
    reason = unneeded if payable_fen == 0 else purse.reason or Reason.NOT_PAYABLE
    own = _share(purse, take_fen, None if take_fen else reason)
    room.pay(Whose.OWN, own.current_fen, own.prior_fen)
    return own, room.left(AID_MONEY)


def _aid_closed(bill: PayableParts, payers: Payers, edition: Edition) -> Reason | None:
    """Why no sponsor may pay at all."""
    unused = edition.money.account_unused_means is AccountUnused.NO_ACCOUNT_NO_AID
    if not bill.use_account and unused:
        return Reason.ACCOUNT_UNUSED
    return bill.aid_closed or payers.aid_reason


class _Limits(NamedTuple):
    """What is left for the next sponsor to pay, how many may still pay, and whether one must.

    `unneeded` is why a sponsor gives nothing to what needs no aid.
    """

    left_fen: int
    pays_max: int | None
    covers: bool
    unneeded: Reason


def _sponsor_shares(
    left_fen: int, bill: PayableParts, payers: Payers, edition: Edition, room: Room | None
) -> list[PayerShare]:
    aid_closed = _aid_closed(bill, payers, edition)
    shares: list[PayerShare] = []
    pays_max = edition.order.max_payers_per_settlement
    all_fen = payers.aid_limit.left_fen if payers.aid_limit else left_fen
    covers = (
        pays_max == 1
        and edition.order.single_payer_shortfall is SinglePayerShortfall.SKIP_TO_FIRST_THAT_COVERS
    )
    for sponsor in payers.sponsors:
        purse, fen = sponsor, min(left_fen, sponsor.available_fen)
        if room is not None:
            purse, fen = _within(sponsor, fen, room)
        capped_fen = min(fen, all_fen, fen if purse.limit_fen is None else purse.limit_fen)
        reason = aid_closed or purse.reason
        if reason is None:
            limits = _Limits(left_fen, pays_max, covers, bill.unneeded)
            reason = _why_not(purse, fen, capped_fen, limits)
        if reason is not None:
            shares.append(_share(purse, 0, reason))
            continue
        shares.append(share := _share(purse, capped_fen))
        if room is not None:
            room.pay(Whose.AID, share.current_fen, share.prior_fen)
        left_fen -= capped_fen
        all_fen -= capped_fen
        pays_max = None if pays_max is None else pays_max - 1
    return shares


def _within(purse: Purse, fen: int, room: Room) -> tuple[Purse, int]:
    """A sponsor's purse with what of its buckets may pay, and how much of an amount that is."""
    buckets = room.within(Whose.AID, purse.buckets)
    return purse._replace(buckets=buckets), min(fen, sum(holds_fen for _, holds_fen in buckets))


def _why_not(purse: Purse, fen: int, capped_fen: int, limits: _Limits) -> Reason | None:
    """Why an open purse that could give `fen`, and under caps `capped_fen`, gives nothing."""
    if limits.left_fen == 0:
        return limits.unneeded
    if fen == 0:  # an open purse has money: none of it may pay a line that is left
        return Reason.NOT_PAYABLE
    if limits.pays_max == 0:
        return Reason.PAYER_LIMIT
    if capped_fen == 0 or (capped_fen < fen and not purse.clamps):
        return Reason.CAP
    if limits.covers and capped_fen < limits.left_fen:
        return Reason.CANNOT_COVER
    return None


def _share(purse: Purse, fen: int, reason: Reason | None = None) -> PayerShare:
    """Take an amount from a purse, bucket after bucket; `reason` is why it is nothing."""
    current_fen = prior_fen = 0
    left_fen = fen
    for bucket, holds_fen in purse.buckets if fen else ():
        taken_fen = min(left_fen, holds_fen)
        left_fen -= taken_fen
        if bucket is Bucket.CURRENT:
            current_fen = taken_fen
        else:
            prior_fen = taken_fen
    assert left_fen == 0, "a purse gives no more than its buckets hold"
    return PayerShare(
        account=purse.account,
        binding=purse.binding,
        available_fen=purse.available_fen,
        limit_fen=purse.limit_fen,
        limit=purse.limit,
        current_fen=current_fen,
        prior_fen=prior_fen,
        reason=reason,
        from_pool=purse.from_pool,
    )
