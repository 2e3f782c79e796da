"""A FastAPI and pydantic endpoint that validates and answers the same bodies and does nothing.

`python -m tests.bench.nothing PORT`
"""

import sys

import uvicorn
from fastapi import FastAPI

from api.settlement.requests import ClaimBody
from api.settlement.responses import Payer, SettlementReply

app = FastAPI()


@app.post("/v1/settlements", status_code=201)
async def nothing(body: ClaimBody) -> SettlementReply:
    """Answer the members of a settlement."""
    return SettlementReply(
        settlement_id="stl_019c2f4be1a07d3b9a2f60c1d2e3f405",
        status="settled",
        outcome="applied",
        total=body.total,
        fund_pay=body.fund_pay,
        personal="64.25",
        own="20.00",
        aid="44.25",
        cash="0.00",
        own_account="used",
        payers=[
            Payer(rank=0, role="own", amount="20.00", reason=None),
            Payer(rank=1, role="sponsor", amount="44.25", reason=None),
        ],
        own_balance_after="0.00",
        reasons=[],
        policy_edition="p0/2020-01",
        settled_at="2026-03-02T10:15:03.120+08:00",
        position=1234,
    )


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
