"""What a cancellation prints: every amount negative, and the balance as it is again."""

from datetime import datetime
from typing import Any

from api.his.setlinfo import money, setldetail, visit_id
from service.ids import twin
from service.serializers import fen_of
from service.visit.bill_facts import BillFacts, Dialect


def cancelled(
    facts: BillFacts, dialect: Dialect, msgid: str, told: dict[str, Any]
) -> dict[str, Any]:
    """A whole cancellation; `told` is the service's own answer to it.

    What had been given back before in part is not given back again: what stayed goes back.
    """
    assert facts.settlement is not None, "what is cancelled was settled"
    back = {name: fen_of(amount) for name, amount in told["returned"].items()}
    whole = facts.parts.fund_fen + sum(back.values())
    stayed = facts._replace(
        parts=facts.parts._replace(total_fen=whole),
        own_fen=back["own"],
        aid_fen=back["aid"],
        cash_fen=back["cash"],
    )
    after = told["own_balance_after"]
    return {
        **{name: -fen for name, fen in money(stayed, dialect).items()},
        "mdtrt_id": visit_id(facts),
        "setl_id": twin(facts.settlement),
        "psn_no": facts.patient.person.person_no,
        "clr_optins": facts.patient.region,
        "setl_time": datetime.fromisoformat(told["cancelled_at"]),
        "balc": fen_of(after) if after is not None else 0,
        "medins_setl_id": msgid,
    }


def cancelled_detail(facts: BillFacts) -> list[dict[str, Any]]:
    """The rows of the bill with their amounts turned round."""
    return [
        row | {"fund_payamt": -row["fund_payamt"], "crt_payb_lmt_amt": -row["crt_payb_lmt_amt"]}
        for row in setldetail(facts)
    ]
