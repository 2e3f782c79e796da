"""Answers in the shape of the contract, with amounts in yuan with two decimals.

A stored answer has account ids for persons; the route replaces them with person numbers.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from aggregates.account.reserved import held_fen
from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.binding.deduction_order import CurrentOrder
from aggregates.binding.events import Caps
from aggregates.credential_link.link import Link
from aggregates.settlement.events import Claim, PayerShare, Settled
from aggregates.settlement.settlement import Remainder
from aggregates.vocabulary import BEIJING, Instant, LinkStatus, Reason, SettlementStatus, StreamId

OWN_ACCOUNT = {
    None: "used",
    Reason.NO_ACCOUNT: "none",
    Reason.SKIPPED_ZERO: "empty",
    Reason.FROZEN: "frozen",
    Reason.CLOSED: "closed",
    Reason.NOT_NEEDED: "not_needed",
    Reason.ACCOUNT_UNUSED: "unused",
    Reason.NOT_PAYABLE: "not_payable",
    Reason.REGION_NOT_OPEN: "region_not_open",
    Reason.FILING_REQUIRED: "filing_required",
}
"""How the patient's own account took part, by its reason."""
PAYER_REASONS = tuple(reason.value for reason in Reason)
"""Every reason in an answer."""


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals: 6425 is "64.25"."""
    return f"{fen // 100}.{fen % 100:02d}"


def signed_yuan(fen: int) -> str:
    """Signed fen as yuan with two decimals: -50 is "-0.50"."""
    return f"-{yuan(-fen)}" if fen < 0 else yuan(fen)


def account_answer(account: Account, version: int, now: Instant) -> dict[str, Any]:
    """An account's balance and status. Held money is in the balance and not available.

    Money in suspense is in no balance: it was returned to an account that may not take it.
    """
    held = held_fen(account, now)
    free = 0 if account.is_frozen or account.ending else account.balance_fen - held
    answer: dict[str, Any] = {
        "region": account.region,
        "insured_place": account.insured_place or account.region,
        "insurance": account.insurance,
        "status": account.status.lower(),
        "flags": [flag.lower() for flag in account.flags],
        "balance": {
            "current": yuan(account.current_fen),
            "prior": yuan(account.prior_fen),
            "held": yuan(held),
            "available": yuan(free),
        },
        "suspense": [
            {"ticket": entry.ticket, "amount": yuan(entry.amount_fen)}
            for entry in account.suspended
        ],
        "version": version,
    }
    if account.pool is not None:
        answer["pool_id"] = account.pool
    return answer


def binding_answer(
    binding_id: StreamId, binding: Binding, version: int, now: Instant
) -> dict[str, Any]:
    """A binding; its parties are account ids."""
    return {
        "binding_id": binding_id,
        "sponsor": binding.sponsor,
        "beneficiary": binding.beneficiary,
        "relation": binding.relation.lower(),
        "uses": list(binding.uses),
        "caps": caps_answer(binding.caps),
        "status": binding.status_at(now),
        "valid_from": day(binding.active_from or binding.valid_from),
        "valid_until": day(binding.valid_until),
        "version": version,
    }


def link_answer(link_id: StreamId, link: Link, status: LinkStatus, version: int) -> dict[str, Any]:
    """A credential link; its sides are account ids."""
    return {
        "link_id": link_id,
        "guardian": link.guardian,
        "member": link.member,
        "relation": link.relation.lower(),
        "status": status,
        "opened_at": moment(link.opened_at),
        "closed_at": None if link.closed_at is None else moment(link.closed_at),
        "version": version,
    }


def caps_answer(caps: Caps) -> dict[str, str | None]:
    """The sponsor's caps in yuan; null means no limit."""
    return {
        "per_settlement": _maybe_yuan(caps.per_settlement_fen),
        "per_day": _maybe_yuan(caps.per_day_fen),
        "per_month": _maybe_yuan(caps.per_month_fen),
        "per_year": _maybe_yuan(caps.per_year_fen),
        "total": _maybe_yuan(caps.quota_fen),
    }


def order_answer(order: CurrentOrder) -> dict[str, Any]:
    """The sponsors in paying order, as account ids; null before an order is set."""
    links = order.sponsors
    sponsors = None if links is None else [link.sponsor for link in links]
    return {"sponsors": sponsors, "version": order.version}


def claim_answer(claim: Claim) -> dict[str, Any]:
    """The sums of a claim."""
    return {
        "total": yuan(claim.total_fen),
        "fund_pay": yuan(claim.fund_pay_fen),
        "personal": yuan(claim.total_fen - claim.fund_pay_fen),
    }


def split_answer(
    own_fen: int, aid_fen: int, cash_fen: int, payers: tuple[PayerShare, ...]
) -> dict[str, Any]:
    """Who pays what, the own account first: amounts and reasons, no names or balances."""
    return {
        "own": yuan(own_fen),
        "aid": yuan(aid_fen),
        "cash": yuan(cash_fen),
        "own_account": OWN_ACCOUNT[payers[0].reason],
        "payers": [
            {
                "rank": rank,
                "role": "sponsor" if rank else "own",
                "amount": yuan(share.current_fen + share.prior_fen),
                "reason": share.reason,
            }
            for rank, share in enumerate(payers)
        ],
    }


def payers_answer(paid: Sequence[int]) -> list[dict[str, Any]]:
    """Amounts in fen by rank, the patient's own first."""
    return [
        {"rank": rank, "role": "sponsor" if rank else "own", "amount": yuan(fen)}
        for rank, fen in enumerate(paid)
    ]


def burden_answer(own_fen: int, aid_fen: int, cash_fen: int) -> dict[str, str]:
    """The parts of a bill's personal burden."""
    return {"own": yuan(own_fen), "aid": yuan(aid_fen), "cash": yuan(cash_fen)}


def stay_answer(stay: Remainder) -> dict[str, Any]:
    """What of a settlement was not returned, and who pays it."""
    return {
        **claim_answer(stay.claim),
        **burden_answer(stay.own_fen, stay.aid_fen, stay.cash_fen),
        "payers": payers_answer([s.current_fen + s.prior_fen for s in stay.payers]),
    }


def settlement_answer(
    settlement_id: StreamId, status: SettlementStatus, settled: Settled
) -> dict[str, Any]:
    """A settlement as an institution sees it."""
    after_fen = settled.own_after_fen
    answer = {
        "settlement_id": settlement_id,
        "status": status,
        "outcome": "applied",
        **claim_answer(settled.claim),
        **split_answer(settled.own_fen, settled.aid_fen, settled.cash_fen, settled.payers),
        "own_balance_after": None if after_fen is None else yuan(after_fen),
        "reasons": list(settled.reasons),
        "policy_edition": settled.editions["beneficiary"],
        "settled_at": moment(settled.settled_at),
    }
    if settled.changed:
        answer["changed"] = True
    return answer


def day(value: date | None) -> str | None:
    """A day in ISO form."""
    return None if value is None else value.isoformat()


def moment(value: datetime) -> str:
    """A moment in RFC 3339 with its offset, to the millisecond."""
    return value.astimezone(BEIJING).isoformat(timespec="milliseconds")


def _maybe_yuan(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)


def fen_of(amount: str) -> int:
    """Yuan with two decimals, as our own answers have them, in fen."""
    return int(amount.replace(".", ""))
