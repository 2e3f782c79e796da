"""Bills, holds and what goes back, decided again under a draft, beside what was recorded."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.refusals import RefusalError
from aggregates.settlement import hold as hold_rules
from aggregates.settlement.events import (
    PartRefunded,
    PayerReturn,
    PayerShare,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.settlement.hold import ClaimHeld
from aggregates.settlement.refund import RefundRequest, refund
from aggregates.settlement.returns import RefundBasis, full_return, returns_of
from aggregates.settlement.settlement import (
    ClaimSplit,
    Remainder,
    Settlement,
    check_stays,
    debits_of,
    evolve,
    settled_of,
)
from aggregates.vocabulary import (
    HoldEnd,
    Instant,
    Insurance,
    InsuranceStatus,
    StreamId,
    instant,
)
from service.clock import micros
from service.ledger.command import StreamEvents
from service.ledger.overlay import Overlay
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force, edition_of_record
from service.rehearsal.tally import NOTHING, SELF, BillCost, BillGroups
from service.replay.decoding import Stored
from service.replay.redecide.fast_path import split_again
from service.settlement.returns import paying_pools, with_successors
from service.settlement.supersede_hold import held_funds
from service.vault import Vault

BackEventOfBill = PartRefunded | SettlementCancelled | SettlementReversed
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MadeAgain(NamedTuple):
    """A decision made again: its moves, the settlement to keep, and what it counts as.

    `kept` is None where the settlement is as it was recorded. `region` is the patient's.
    """

    moves: StreamEvents
    kept: Settlement | None
    kind: str
    region: str
    groups: BillGroups
    recorded: BillCost
    drafted: BillCost


def settle_again(world: Overlay, vault: Vault, row: Stored, settled: Settled) -> MadeAgain:
    """A bill settled again; where the draft refuses it, the patient pays it in cash.

    Raises:
        UnreadError: a state is not loaded yet.
    """
    now = instant(settled.settled_at)
    reads = ReadSet(world, now)
    patient = reads.account(settled.claim.beneficiary)
    recorded = _cost(reads, settled)
    groups = groups_of(patient, settled.place_region, now)
    kept: Settlement | None = None
    try:
        claim_split, hold, moves = _split(reads, vault, settled, now)
    except RefusalError as refusal:
        kept = _all_in_cash(settled, sum(recorded.fen))
        drafted = _refused(recorded, refusal.code())
        return MadeAgain([], kept, "settlements", patient.region, groups, recorded, drafted)
    if claim_split.split.payers == settled.payers and claim_split.reasons == settled.reasons:
        moves += debits_of(row.stream, settled)
        return MadeAgain(moves, None, "settlements", patient.region, groups, recorded, recorded)
    made = settled_of(claim_split, settled.read, now, hold, is_changed=settled.changed)
    recorded, drafted = _with_reasons(recorded, settled), _with_reasons(_cost(reads, made), made)
    if drafted != recorded or _paid(made) != _paid(settled):
        kept = evolve(None, made)
    moves += debits_of(row.stream, made)
    return MadeAgain(moves, kept, "settlements", patient.region, groups, recorded, drafted)


def hold_again(world: Overlay, vault: Vault, row: Stored, held: ClaimHeld) -> MadeAgain:
    """A bill held again; without moves where the draft refuses it. It raises as `settle_again`."""
    now = instant(held.held_at)
    reads = ReadSet(world, now)
    patient = reads.account(held.claim.beneficiary)
    recorded = _with_reasons(_cost(reads, held), held)
    moves: StreamEvents = []
    try:
        made = hold_rules.held_of(
            split_again(reads, vault, held.claim, now), held.read, now, held.expires_at
        )
        moves = [*hold_rules.holds_of(row.stream, made), (row.stream, made)]
        drafted = _with_reasons(_cost(reads, made), made)
    except RefusalError as refusal:
        drafted = _refused(recorded, refusal.code())
    groups = groups_of(patient, held.place_region, now)
    return MadeAgain(moves, None, "holds", patient.region, groups, recorded, drafted)


def give_back_again(
    world: Overlay, vault: Vault, row: Stored, event: BackEventOfBill, range_us: tuple[int, int]
) -> MadeAgain | None:
    """What goes back of a bill under the draft; None where nothing was ever settled.

    A bill that was settled in the range, in microseconds since 1970, was settled by the draft. It
    raises as `settle_again`.
    """
    assert world.below is not None, "the recorded states are below"
    now = instant_of(row)
    reads = ReadSet(world, now)
    was = world.below.head(row.stream).state
    if not isinstance(was, Settlement) or was.stay is None or was.settled is None:
        return None
    settlement = reads.settlement(row.stream)
    settled = settlement.settled
    assert settled is not None, "the draft settles what was settled"
    patient = reads.account(settled.claim.beneficiary)
    edition = _edition(world, vault, settled, patient.region, range_us)
    recorded = _back(reads, event, was.stay)
    kept: Settlement | None = None
    moves: StreamEvents = []
    try:
        made, payers, drafted = _given_back(reads, settlement, event, edition)
        accounts = with_successors(reads, [payer.account for payer in payers])
        basis = RefundBasis(row.stream, settled, edition.refund, paying_pools(reads, settled))
        moves = list(returns_of(basis, payers, accounts, row.stream, now))
        if settlement != was or drafted != recorded:
            kept = evolve(settlement, made)
    except RefusalError as refusal:
        drafted, kept = BillCost(NOTHING, {}, code=refusal.code()), settlement
    groups = groups_of(patient, settled.place_region, now)
    return MadeAgain(moves, kept, "refunds", patient.region, groups, recorded, drafted)


def groups_of(patient: Account, place: str, now: Instant) -> BillGroups:
    """The groups that a patient's decision counts in."""
    return _groups(patient.insurance, patient.standing, place, now.on.replace(day=1))


@lru_cache(maxsize=4096)
def _groups(
    insurance: Insurance, standing: InsuranceStatus, place: str, month_on: date
) -> BillGroups:
    return BillGroups(f"{insurance} {standing.lower()}", place, f"{month_on:%Y-%m}")


def instant_of(row: Stored) -> Instant:
    """When a row was recorded."""
    return instant(EPOCH + timedelta(microseconds=row.recorded_at))


# ------------------------------------------------------------------ one decision


def _split(
    reads: ReadSet, vault: Vault, settled: Settled, now: Instant
) -> tuple[ClaimSplit, tuple[StreamId, date] | None, StreamEvents]:
    """A bill split again; its hold with the day it was held, and what frees it."""
    if settled.hold is None:
        return split_again(reads, vault, settled.claim, now), None, []
    hold = reads.hold(settled.hold)
    claim = replace(
        hold.held.claim,
        total_fen=settled.claim.total_fen,
        fund_pay_fen=settled.claim.fund_pay_fen,
        lines=settled.claim.lines,
    )
    funds = held_funds(reads, hold.held)
    region = reads.account(claim.beneficiary).region
    edition = edition_of_record(reads, vault, region, hold.held.editions["beneficiary"])
    claim_split = hold_rules.capture(settled.hold, hold, claim, funds, edition)
    frees: StreamEvents = [*hold_rules.frees_of(settled.hold, funds, HoldEnd.CAPTURED)]
    return claim_split, (settled.hold, hold.held.on), frees


def _given_back(
    reads: ReadSet, settlement: Settlement, event: BackEventOfBill, edition: Edition
) -> tuple[BackEventOfBill, tuple[PayerReturn, ...], BillCost]:
    stay = check_stays(settlement)
    if not isinstance(event, PartRefunded):
        return event, full_return(stay), _back(reads, event, stay)
    made = refund(settlement, RefundRequest(event.amount_fen, event.lines), event.reason, edition)
    return made, made.payers, _back(reads, made, stay)


def _edition(
    world: Overlay, vault: Vault, settled: Settled, region: str, range_us: tuple[int, int]
) -> Edition:
    """The edition that a bill was settled by: of the range, the draft's."""
    at = instant(settled.settled_at)
    reads = ReadSet(world, at)
    if range_us[0] <= micros(at) <= range_us[1]:
        return edition_in_force(reads, vault, region, at)
    return edition_of_record(reads, vault, region, settled.editions["beneficiary"])


# ------------------------------------------------------------------ what it costs


def _cost(reads: ReadSet, split: Settled | ClaimHeld) -> BillCost:
    """What a bill costs whom, without the reasons."""
    fen = (split.own_fen, split.aid_fen, split.cash_fen, 0)
    return BillCost(fen, _by_relation(reads, split.payers))


def _with_reasons(cost: BillCost, split: Settled | ClaimHeld) -> BillCost:
    by_payer = tuple((share.account, share.reason) for share in split.payers)
    return cost._replace(reasons=(split.reasons, by_payer))


def _by_relation(
    reads: ReadSet, payers: Iterable[PayerShare] | Iterable[PayerReturn], sign: int = 1
) -> dict[str, int]:
    """The amounts of payers by what the patient is to them; payers of nothing are left out."""
    sums: dict[str, int] = {}
    for payer in payers:
        fen = payer.current_fen + payer.prior_fen
        if fen:
            binding = payer.binding
            relation = SELF if binding is None else str(reads.binding(binding).relation)
            sums[relation] = sums.get(relation, 0) + sign * fen
    return sums


def _refused(recorded: BillCost, code: str | None) -> BillCost:
    return BillCost((0, 0, sum(recorded.fen), 0), {}, (code,), code)


def _paid(settled: Settled) -> list[tuple[StreamId | None, int, int]]:
    return [(share.account, share.current_fen, share.prior_fen) for share in settled.payers]


def _all_in_cash(settled: Settled, cash_fen: int) -> Settlement:
    """A refused bill as if it were settled in cash, so that what goes back later is cash."""
    payers = tuple(replace(share, current_fen=0, prior_fen=0) for share in settled.payers)
    unpaid = replace(settled, payers=payers, own_fen=0, aid_fen=0, cash_fen=cash_fen)
    return evolve(None, unpaid)


def _back(
    reads: ReadSet,
    event: BackEventOfBill,
    stay: Remainder,
) -> BillCost:
    """What goes back, as paid less."""
    part = event if isinstance(event, PartRefunded) else stay
    fen = (-part.own_fen, -part.aid_fen, -part.cash_fen, 0)
    return BillCost(fen, _by_relation(reads, part.payers, -1))
