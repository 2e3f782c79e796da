"""Look at a settlement: the institution's view, and each family member's own part."""

from collections.abc import Callable
from typing import Any

from msgspec import json

from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.accounts import find_person
from service.answers import settlement_answer, stay_answer, yuan
from service.caller import Caller, Role, check_role
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View


async def look_at_settlement(house: House, caller: Caller, settlement_id: StreamId) -> Reply:
    """A settlement as the log has it now, as far as the caller may see it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(view: View, _: Instant) -> Decision:
        return Decision(answer=json.encode(see_settlement(view, house, caller, settlement_id)[1]))

    return await house.ask(caller, decide)


def see_settlement(
    view: View, house: House, caller: Caller, settlement_id: StreamId
) -> tuple[Settlement, dict[str, Any]]:
    """A settlement, and what the caller may see of it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    settlement = view.settlement(settlement_id)
    show = _shown_to(view, house, caller, settlement)
    return settlement, _answer(settlement_id, settlement, show)


async def check_readable(house: House, caller: Caller, settlement_id: StreamId) -> None:
    """Let only who may see a settlement go on.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """

    def decide(view: View, _: Instant) -> Decision:
        _shown_to(view, house, caller, view.settlement(settlement_id))
        return Decision(answer=b"")

    await house.ask(caller, decide)


async def find_by_key(house: House, caller: Caller, key: str) -> StreamId:
    """The settlement that a key of the caller's was used for; the look-up makes it durable.

    Raises:
        UnknownError: the key was never used up, or for something else.
    """
    check_role(caller, Role.INSTITUTION)
    reply = await house.ask(caller, _nothing, asks=(caller.name, key))
    if reply.subject is None:
        raise UnknownError
    return reply.subject


async def is_key_used(house: House, caller: Caller, key: str) -> bool:
    """Whether a caller used a key up."""
    reply = await house.ask(caller, _nothing, asks=(caller.name, key))
    return reply.is_replayed


def _nothing(_: View, __: Instant) -> Decision:
    return Decision(answer=b"")


Show = Callable[[Settled, dict[str, Any]], dict[str, Any]]


def _shown_to(view: View, house: House, caller: Caller, settlement: Settlement) -> Show:
    """How much of a settlement this caller sees.

    Raises:
        UnknownError: nothing.
    """
    match caller.role:
        case Role.INSTITUTION:
            own = view.find(house.keys.name("institution", caller.subject))
            if own == settlement.institution:
                return _as_is
        case Role.PERSON:
            mine = find_person(view, house.keys, caller.subject)
            return _part_of(mine, settlement)
        case Role.AGENCY:
            if caller.region in (None, _region_of(view, settlement)):
                return _with_accounts
        case Role.AUDITOR:
            return _with_accounts
        case Role.OPERATOR:
            pass
    raise UnknownError


def _region_of(view: View, settlement: Settlement) -> str:
    """The patient's region; a tombstone has no patient, and is its institution's."""
    if settlement.claim is None:
        return view.institution(settlement.institution).region
    return view.account(settlement.claim.beneficiary).region


def _as_is(_: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _with_accounts(settled: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    """Agencies and auditors see account numbers."""
    answer["beneficiary_account"] = settled.claim.beneficiary
    for payer, share in zip(answer["payers"], settled.payers, strict=True):
        payer["account"] = share.account
        payer["binding_id"] = share.binding
    return answer


def _part_of(mine: StreamId, settlement: Settlement) -> Show:
    """The patient sees all payers' amounts; a sponsor sees what he paid, and when."""
    if settlement.claim is not None and settlement.claim.beneficiary == mine:
        return _as_is
    paid = settlement.settled.payers if settlement.settled else ()
    own_part = [s for s in paid if s.account == mine and s.current_fen + s.prior_fen]
    if not own_part:
        raise UnknownError

    def show(_: Settled, answer: dict[str, Any]) -> dict[str, Any]:
        fen = sum(s.current_fen + s.prior_fen for s in own_part)
        kept = ("settlement_id", "status", "outcome", "settled_at")
        return {name: answer[name] for name in kept} | {"paid_by_you": yuan(fen)}

    return show


def _answer(settlement_id: StreamId, settlement: Settlement, show: Show) -> dict[str, Any]:
    settled = settlement.settled
    if settled is None:
        return {
            "settlement_id": settlement_id,
            "status": settlement.status,
            "outcome": "not_applied",
            "code": settlement.code,
        }
    answer = settlement_answer(settlement_id, settlement.status, settled)
    if settlement.status is SettlementStatus.PART_REFUNDED and settlement.stay is not None:
        answer["stays"] = stay_answer(settlement.stay)
    return show(settled, answer)
