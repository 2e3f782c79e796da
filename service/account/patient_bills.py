"""A patient's bills, and who paid what of each: the fund, the patient, sponsors, cash.

The patient sees what each sponsor paid, by a masked name, and never a sponsor's balance
(policy.md §6.2). A bill's status is read from its stream, so a refund shows at once.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from aggregates.binding.binding import Binding
from aggregates.institution import Institution
from aggregates.settlement.events import PayerShare, Settled
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import StreamId, instant
from projections.account import patient_bills as bill_models
from projections.account.patient_bills import BillRow
from projections.kit.paging import Page
from service.account.statement import StatementRequest, read_list
from service.account.statement_text import (
    BurdenSums,
    InstitutionLabel,
    SponsorPayment,
    StatementBill,
    bill_text,
)
from service.bilingual import Language
from service.caller import Caller
from service.context import ServiceContext
from service.person.masking import masked_names_of
from service.read_models.reader import PageResult, ReadModels, only, states_of
from service.serializers import burden_answer, claim_answer, moment, yuan


class BillContext(NamedTuple):
    """The states that a page of bills refers to."""

    settlements: dict[StreamId, Settlement]
    institutions: dict[StreamId, Institution]
    bindings: dict[StreamId, Binding]
    names: dict[StreamId, str | None]


async def bills(
    context: ServiceContext, read_models: ReadModels, caller: Caller, request: StatementRequest
) -> PageResult:
    """The bills of a patient, newest first; it raises as `read_list`."""

    async def read(account_id: StreamId, cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        rows, following = await bill_models.of_account(read_models.pool, account_id, cursor, limit)
        states = await _read_states(context, rows)
        return Page(tuple(_answer(row, states, request.language) for row in rows), following)

    return await read_list(context, read_models, caller, request, bill_models.TABLE, read)


async def _read_states(context: ServiceContext, rows: Iterable[BillRow]) -> BillContext:
    """Read what a page's bills refer to, in two queries for all of them."""
    settlements = only(Settlement, await states_of(context, [row.settlement for row in rows]))
    shares = [share for bill in settlements.values() for share in _sponsors(_settled_of(bill))]
    places = {settlement.institution for settlement in settlements.values()}
    states = await states_of(context, [*{s.binding for s in shares if s.binding}, *places])
    names = await masked_names_of(context, {s.account for s in shares if s.account})
    return BillContext(settlements, only(Institution, states), only(Binding, states), names)


def _settled_of(settlement: Settlement) -> Settled:
    assert settlement.settled is not None, "only what was settled is listed as a bill"
    return settlement.settled


def _sponsors(settled: Settled) -> list[PayerShare]:
    """The shares of sponsors that are not 0, in paying order."""
    return [share for share in settled.payers[1:] if _fen(share)]


def _fen(share: PayerShare) -> int:
    return share.current_fen + share.prior_fen


def _bill(settlement: Settlement, states: BillContext) -> StatementBill:
    settled, stay = _settled_of(settlement), settlement.stay
    paid = BurdenSums(settled.own_fen, settled.aid_fen, settled.cash_fen)
    left = BurdenSums(stay.own_fen, stay.aid_fen, stay.cash_fen) if stay else BurdenSums(0, 0, 0)
    left_fen = {(s.account, s.binding): _fen(s) for s in stay.payers} if stay else {}
    institution = states.institutions[settlement.institution]
    return StatementBill(
        day=instant(settled.settled_at).on.isoformat(),
        place=InstitutionLabel(institution.kind, institution.name),
        status=settlement.status,
        total_fen=settled.claim.total_fen,
        fund_pay_fen=settled.claim.fund_pay_fen,
        paid=paid,
        returned=BurdenSums(*(before - after for before, after in zip(paid, left, strict=True))),
        sponsors=tuple(
            SponsorPayment(
                name=states.names.get(share.account) if share.account else None,
                relation=states.bindings[share.binding].relation if share.binding else None,
                paid_fen=_fen(share),
                returned_fen=_fen(share) - left_fen.get((share.account, share.binding), 0),
            )
            for share in _sponsors(settled)
        ),
    )


def _answer(row: BillRow, states: BillContext, language: Language) -> dict[str, Any]:
    settlement = states.settlements[row.settlement]
    settled, bill = _settled_of(settlement), _bill(settlement, states)
    return {
        "settlement_id": row.settlement,
        "status": settlement.status,
        "day": bill.day,
        "treated_at": moment(settled.claim.treated_at),
        "institution": bill.place.name,
        "institution_class": bill.place.kind,
        **claim_answer(settled.claim),
        **burden_answer(*bill.paid),
        "sponsors": [
            {"name": s.name, "amount": yuan(s.paid_fen), "returned": yuan(s.returned_fen)}
            for s in bill.sponsors
        ],
        "returned": {"amount": yuan(sum(bill.returned)), **burden_answer(*bill.returned)},
        "text": bill_text(bill).to(language),
        "position": row.position,
    }
