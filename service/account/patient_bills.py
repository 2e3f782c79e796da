"""A patient's bills, and who paid what of each: the fund, himself, his sponsors, cash.

He sees which sponsor paid how much, by a masked name, and never what a sponsor has
(policy.md §6.2). How a bill stands its stream says, so a refund shows at once.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from aggregates.binding.binding import Binding
from aggregates.institution import Institution
from aggregates.settlement.events import PayerShare, Settled
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import StreamId, instant
from projections.account import patient_bills as bill_views
from projections.account.patient_bills import BillRow
from projections.kit.paging import Page
from service.account.statement import StatementRequest, read_all
from service.account.statement_text import (
    BurdenSums,
    InstitutionLabel,
    SponsorPayment,
    StatementBill,
    bill_text,
)
from service.bilingual import Language
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.person.lookup import account_of
from service.person.masking import masked_names_of
from service.read_models.reader import PageResult, ReadModels, only, reach, states_of
from service.serializers import claim_answer, moment, yuan


class BillContext(NamedTuple):
    """What the log says of a page's bills."""

    settlements: dict[StreamId, Settlement]
    institutions: dict[StreamId, Institution]
    bindings: dict[StreamId, Binding]
    names: dict[StreamId, str | None]


async def bills(
    context: ServiceContext, read_models: ReadModels, caller: Caller, wanted: StatementRequest
) -> PageResult:
    """What was settled for a patient, newest first (himself, his agency, auditors).

    Raises:
        UnknownError: no such account, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    account_id = await account_of(context, caller, wanted.person_no)
    position = await reach(context, read_models, wanted.asked, bill_views.TABLE)

    async def read(cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        page = await bill_views.of_account(read_models.pool, account_id, cursor, limit)
        known = await _learn(context, page.rows)
        return Page(tuple(_answer(row, known, wanted.language) for row in page.rows), page.next)

    return await read_all(read, wanted.asked, position)


async def _learn(context: ServiceContext, rows: Iterable[BillRow]) -> BillContext:
    """Read what a page's bills refer to, each kind at once."""
    found = await states_of(context, [row.settlement for row in rows])
    settlements = only(Settlement, found)
    gave = [
        share for settlement in settlements.values() for share in _gave(_settled_of(settlement))
    ]
    places = {settlement.institution for settlement in settlements.values()}
    around = await states_of(context, [*{s.binding for s in gave if s.binding}, *places])
    names = await masked_names_of(context, {s.account for s in gave if s.account})
    return BillContext(settlements, only(Institution, around), only(Binding, around), names)


def _settled_of(settlement: Settlement) -> Settled:
    assert settlement.settled is not None, "only what was settled is listed as a bill"
    return settlement.settled


def _gave(settled: Settled) -> list[PayerShare]:
    """The sponsors who gave something, in paying order."""
    return [share for share in settled.payers[1:] if _fen(share)]


def _fen(share: PayerShare) -> int:
    return share.current_fen + share.prior_fen


def _told(settlement: Settlement, known: BillContext) -> StatementBill:
    settled, stay = _settled_of(settlement), settlement.stay
    paid = BurdenSums(settled.own_fen, settled.aid_fen, settled.cash_fen)
    stays = BurdenSums(stay.own_fen, stay.aid_fen, stay.cash_fen) if stay else BurdenSums(0, 0, 0)
    stayed = {(s.account, s.binding): _fen(s) for s in stay.payers} if stay else {}
    institution = known.institutions[settlement.institution]
    return StatementBill(
        day=instant(settled.settled_at).on.isoformat(),
        place=InstitutionLabel(institution.kind, institution.name),
        status=settlement.status,
        total_fen=settled.claim.total_fen,
        fund_pay_fen=settled.claim.fund_pay_fen,
        paid=paid,
        back=BurdenSums(*(before - after for before, after in zip(paid, stays, strict=True))),
        sponsors=tuple(
            SponsorPayment(
                name=known.names.get(share.account) if share.account else None,
                relation=known.bindings[share.binding].relation if share.binding else None,
                paid_fen=_fen(share),
                back_fen=_fen(share) - stayed.get((share.account, share.binding), 0),
            )
            for share in _gave(settled)
        ),
    )


def _answer(row: BillRow, known: BillContext, language: Language) -> dict[str, Any]:
    settlement = known.settlements[row.settlement]
    settled, bill = _settled_of(settlement), _told(settlement, known)
    return {
        "settlement_id": row.settlement,
        "status": settlement.status,
        "day": bill.day,
        "treated_at": moment(settled.claim.treated_at),
        "institution": bill.place.name,
        "institution_class": bill.place.kind,
        **claim_answer(settled.claim),
        **_sums(bill.paid),
        "sponsors": [
            {"name": part.name, "amount": yuan(part.paid_fen), "returned": yuan(part.back_fen)}
            for part in bill.sponsors
        ],
        "returned": {"amount": yuan(sum(bill.back)), **_sums(bill.back)},
        "text": bill_text(bill).to(language),
        "position": row.position,
    }


def _sums(sums: BurdenSums) -> dict[str, str]:
    return {"own": yuan(sums.own_fen), "aid": yuan(sums.aid_fen), "cash": yuan(sums.cash_fen)}
