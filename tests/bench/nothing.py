"""A FastAPI and pydantic endpoint that validates and answers the same bodies and does nothing.

`python -m tests.bench.nothing PORT`
"""

import sys

import uvicorn
from fastapi import FastAPI

from api.bodies import ClaimBody
from api.replies import SettlementReply

EXAMPLE = SettlementReply.model_config["json_schema_extra"]["example"]  # type: ignore[call-overload,index]
app = FastAPI()


@app.post("/v1/settlements", status_code=201)
async def nothing(body: ClaimBody) -> SettlementReply:
    """Answer the same members."""
    return SettlementReply.model_validate({**EXAMPLE, "total": body.total})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
