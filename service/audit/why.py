"""Why a bill left a part in cash, and what would have changed it, from the log alone.

The bill is decided again on the states before its command, as replay does, with the changes that
the family could have made. Nothing is stored.
"""

from typing import Any, NamedTuple

from aggregates.binding.eligibility import Side
from aggregates.pool.pool import pays_from_pool
from aggregates.refusals import RefusalError, UnknownError
from aggregates.settlement.events import Claim, Settled
from aggregates.settlement.hold import ClaimHeld
from aggregates.settlement.remedies import (
    CAP_NAMES,
    DecidedBill,
    FamilyChange,
    Lever,
    Remedies,
    Remedy,
    invited_sponsor,
    remedies_of,
)
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import Instant, StreamId, instant
from service.audit.trace import command_of, load_before
from service.audit.why_texts import text_of
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force
from service.replay.redecide.comparison import decided_by
from service.replay.redecide.fast_path import inputs_again
from service.serializers import yuan
from service.settlement.queries import see_settlement, viewer_account
from service.vault import Vault

NOTHING_FOUND = Remedies((), complete=True)


class WhyReader(NamedTuple):
    """Who asks; `account` is the patient's or a sponsor's for a person."""

    role: Role
    account: StreamId | None


async def why(context: ServiceContext, caller: Caller, settlement_id: StreamId) -> dict[str, Any]:
    """The smallest changes that would have lowered the cash part of a settlement.

    The patient, agencies and auditors see them all; a sponsor who paid sees what is in the own
    hands; an institution sees no amount and no binding. Amounts are those of the settlement itself,
    before refunds. Each text is a `Bilingual`.

    Raises:
        UnknownError: there is no such settlement for the caller.
    """
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def look(reads: ReadSet, now: Instant) -> tuple[Settlement, WhyReader]:
        settlement, _ = see_settlement(reads, context, caller, settlement_id, now)
        account = None
        if caller.role is Role.PERSON:
            account = viewer_account(reads, context, caller, settlement, now)
        return settlement, WhyReader(caller.role, account)

    (settlement, reader), position = await context.read_at(caller, look)
    settled = settlement.settled
    if settled is None:
        raise UnknownError
    found = await _remedies(context, settlement_id, settled)
    return {
        "settlement_id": settlement_id,
        "status": settlement.status,
        **_as_it_was(settled, reader),
        "complete": found.complete,
        "remedies": [
            _remedy(settled, remedy, reader)
            for remedy in found.found
            if _is_for(reader, settled, remedy)
        ],
        "position": position,
    }


# ------------------------------------------------------------------ decided again


async def _remedies(context: ServiceContext, settlement_id: StreamId, settled: Settled) -> Remedies:
    if settled.cash_fen == 0:
        return NOTHING_FOUND
    bill = await decided_bill(context, settlement_id, settled)
    split = bill.split()
    if (split.own_fen, split.aid_fen) != (settled.own_fen, settled.aid_fen):
        return Remedies((), complete=False)  # of a hold: it was split when it was held
    return remedies_of(bill)


async def decided_bill(
    context: ServiceContext, settlement_id: StreamId, settled: Settled
) -> DecidedBill:
    """The bill with the states that its decision read; UnknownError where there is no decision."""
    decided, at = await _decision(context, settlement_id, settled)
    command = await command_of(context, decided)
    world = Overlay()
    while True:
        try:
            return _bill(_before(world, command, decided), context.vault, settled.claim, at)
        except UnreadError as unread:
            await load_before(context, world, unread, command[0].position)


async def _decision(
    context: ServiceContext, settlement_id: StreamId, settled: Settled
) -> tuple[Recorded, Instant]:
    """The event that split the bill, and when: the settlement, or the hold that it captured."""
    stream = settled.hold or settlement_id
    for recorded in await context.store.history(stream):
        if isinstance(recorded.event, Settled):
            return recorded, instant(recorded.event.settled_at)
        if isinstance(recorded.event, ClaimHeld):
            return recorded, instant(recorded.event.held_at)
    raise UnknownError


def _before(world: Overlay, command: list[Recorded], decided: Recorded) -> Overlay:
    """The states that a decision read: its command's earlier events, without those it made.

    Raises:
        UnreadError: a state is not loaded yet.
    """
    states = Overlay(world)
    for item in command:
        if item.position < decided.position and decided_by(item.event) != decided.stream:
            states.head(item.stream)
            states.apply(item.stream, item.event)
    return states


def _bill(world: Overlay, vault: Vault, claim: Claim, now: Instant) -> DecidedBill:
    """The bill with its family; an invited sponsor who cannot be read is left out."""
    reads = ReadSet(world, now, vault)
    family, place = inputs_again(reads, vault, claim, now)
    invited = []
    for binding_id, binding in family.invitations:
        try:
            account = reads.account(binding.sponsor)
            edition = edition_in_force(reads, vault, account.region, now)
        except RefusalError:
            continue
        side = Side(binding.sponsor, account, edition)
        pool = reads.pool(account.pool) if account.pool and pays_from_pool(edition) else None
        invited.append(invited_sponsor(binding_id, binding, side, pool, now))
    return DecidedBill(claim, family, place, now, tuple(invited))


# ------------------------------------------------------------------ its answer


def _as_it_was(settled: Settled, reader: WhyReader) -> dict[str, Any]:
    if _is_sponsor(reader, settled):
        return {"paid_by_you": yuan(_paid_by(settled, reader.account))}
    return {"cash": yuan(settled.cash_fen), "policy_edition": settled.editions["beneficiary"]}


def _is_sponsor(reader: WhyReader, settled: Settled) -> bool:
    return reader.role is Role.PERSON and reader.account != settled.claim.beneficiary


def _paid_by(settled: Settled, account: StreamId | None) -> int:
    return sum(s.current_fen + s.prior_fen for s in settled.payers if s.account == account)


def _is_for(reader: WhyReader, settled: Settled, remedy: Remedy) -> bool:
    """A sponsor sees the remedies that are all in his hands: the caps of his own binding."""
    if not _is_sponsor(reader, settled):
        return True
    mine = {share.binding for share in settled.payers if share.account == reader.account}
    return all(c.lever is Lever.CAP and c.binding in mine for c in remedy.changes)


def _remedy(settled: Settled, remedy: Remedy, reader: WhyReader) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if _is_sponsor(reader, settled):
        payers = remedy.split.payers
        mine = sum(s.current_fen + s.prior_fen for s in payers if s.account == reader.account)
        answer["paid_by_you"] = yuan(mine)
    elif reader.role is not Role.INSTITUTION:
        cash_fen = remedy.split.cash_fen
        answer |= {"cash": yuan(cash_fen), "less": yuan(settled.cash_fen - cash_fen)}
    answer["changes"] = [_change(settled, change, reader) for change in remedy.changes]
    return answer


def _change(settled: Settled, change: FamilyChange, reader: WhyReader) -> dict[str, Any]:
    """One change; who is not the cap's sponsor, an agency or an auditor sees no cap's value."""
    ranks = {share.binding: rank for rank, share in enumerate(settled.payers) if share.binding}
    rank = None if change.binding is None else ranks.get(change.binding)
    is_sponsor = _is_sponsor(reader, settled)
    sees_caps = is_sponsor or reader.role in (Role.AGENCY, Role.AUDITOR)
    amount = yuan(change.to_fen) if sees_caps and change.to_fen is not None else None
    answer: dict[str, Any] = {
        "kind": change.lever.value,
        "rank": None if is_sponsor else rank,
        "binding_id": None if reader.role is Role.INSTITUTION else change.binding,
        "cap": change.cap and CAP_WORDS[change.cap],
        "cap_amount": amount,
        "filing": change.filing and change.filing.lower(),
        "place": change.region or None,
        "institution": change.institution or None,
    }
    return answer | {"text": text_of(change, None if is_sponsor else rank, amount)}


CAP_WORDS = {name: name.removesuffix("_fen") for name in CAP_NAMES}
"""The contract's name of each cap."""
