"""Premiums decided again under a draft, beside what was recorded.

The tax authority's answers are taken as recorded. A premium that the draft refuses has no later
step.
"""

from datetime import date

from aggregates.account.state import Account
from aggregates.binding.eligibility import Side
from aggregates.premium import payment
from aggregates.premium.premium import Premium, PremiumConfirmed, PremiumHeld, PremiumReversed
from aggregates.refusals import RefusalError
from aggregates.vocabulary import instant
from service.ledger.command import StreamEvents
from service.ledger.overlay import Overlay
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force, edition_of_record
from service.rehearsal.bills import MadeAgain, groups_of, instant_of
from service.rehearsal.tally import NOTHING, BillCost
from service.replay.decoding import Stored
from service.replay.redecide.comparison import DecisionContext, ReplayedCommand
from service.replay.redecide.premiums_and_corrections import PremiumStep, step_again
from service.vault import Vault


def order_again(world: Overlay, vault: Vault, row: Stored, held: PremiumHeld) -> MadeAgain:
    """A premium ordered again; without moves where the draft refuses it.

    Raises:
        UnreadError: a state is not loaded yet.
    """
    now = instant(held.held_at)
    reads = ReadSet(world, now)
    account = reads.account(held.sponsor)
    order = payment.PremiumOrder(
        row.stream, held.insurance, held.year, held.tier, _born_on(reads, vault, held, account)
    )
    moves: StreamEvents = []
    code = None
    try:
        edition = edition_in_force(reads, vault, account.region, now)
        side = Side(held.sponsor, account, edition)
        payment.check_order(
            order, side, reads.account(held.payee), reads.binding(held.binding), now
        )
        pool = None if account.pool is None else reads.pool(account.pool)
        moves = [*payment.hold(order, side, (held.payee, held.binding), pool, now)]
    except RefusalError as refusal:
        code = refusal.code()
    groups = groups_of(account, account.region, now)
    cost = BillCost(NOTHING, {})
    return MadeAgain(
        moves, None, "premiums", account.region, groups, cost, cost._replace(code=code)
    )


def _born_on(reads: ReadSet, vault: Vault, held: PremiumHeld, sponsor: Account) -> date | None:
    """A day of birth that fits what the premium cost: the payee's own is not stored.

    It is the youngest age of the recorded row; None where the standard was paid.
    """
    recorded = edition_of_record(reads, vault, sponsor.region, held.edition)
    ages = (
        tier.from_age
        for tier in recorded.premium.premium_tiers
        if (tier.type, tier.tier, tier.fen) == (held.insurance, held.tier, held.amount_fen)
    )
    age = min(ages, default=None)
    return None if age is None else date(held.on.year - age, 1, 1)


def follow_again(
    world: Overlay, vault: Vault, row: Stored, event: PremiumStep, was: Premium
) -> MadeAgain:
    """The next step of a premium; `was` is the recorded one before. It raises as `order_again`."""
    now = instant_of(row)
    reads = ReadSet(world, now)
    premium = reads.premium(row.stream)
    sponsor = reads.account(premium.sponsor)
    place = DecisionContext(world, vault, ReplayedCommand(b""), row.stream, now.at)
    try:
        moves = step_again(reads, place, premium, event, [])
    except RefusalError:
        moves = []
    relation = reads.binding(premium.binding).relation.value
    recorded, drafted = _paid(event, was), NOTHING
    for _, made in moves:
        if isinstance(made, PremiumConfirmed | PremiumReversed):
            drafted = _paid(made, premium)
    groups = groups_of(sponsor, sponsor.region, now)
    return MadeAgain(
        moves,
        None,
        "premium steps",
        sponsor.region,
        groups,
        BillCost(recorded, {relation: recorded[3]}),
        BillCost(drafted, {relation: drafted[3]}),
    )


def gone_again(
    world: Overlay, vault: Vault, row: Stored, event: PremiumStep, was: Premium
) -> MadeAgain:
    """The next step of a premium that the draft refused: what was paid is not. As `order_again`."""
    del vault
    now = instant_of(row)
    reads = ReadSet(world, now)
    sponsor = reads.account(was.sponsor)
    relation = reads.binding(was.binding).relation.value
    recorded = _paid(event, was)
    groups = groups_of(sponsor, sponsor.region, now)
    cost = BillCost(recorded, {relation: recorded[3]})
    free = BillCost(NOTHING, {relation: 0})
    return MadeAgain([], None, "premium steps", sponsor.region, groups, cost, free)


def _paid(event: object, premium: Premium) -> tuple[int, int, int, int]:
    """What a step pays of a premium, in fen; what goes back is paid less."""
    if isinstance(event, PremiumConfirmed):
        return (0, 0, 0, event.current_fen + event.prior_fen)
    if isinstance(event, PremiumReversed):
        return (0, 0, 0, -(premium.current_fen + premium.prior_fen))
    return NOTHING
