"""A stand-in for a kinship registry: `python -m api.sandbox.kinship PORT FILE`.

FILE holds lines `{"person": CERT_NO, "relative": CERT_NO, "relation": WORD}`. Three words make it
fail: `slow` answers after ten seconds, `broken` answers an unknown relation, `down` answers 500.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

SLOW_S = 10.0


def create_sandbox(relations: dict[tuple[str, str], str]) -> FastAPI:
    """The registry as an application. `relations` are by person and relative (certificate no.)."""
    app = FastAPI(title="Kinship registry, a stand-in")

    @app.post("/kinship")
    async def kinship(request: dict[str, dict[str, Any]]) -> Response:
        word = relations.get((request["person"]["cert_no"], request["relative"]["cert_no"]))
        if word == "down":
            return Response(status_code=500)
        if word == "slow":
            await asyncio.sleep(SLOW_S)
        body = {"relation": "cousin" if word == "broken" else word}
        return Response(json.dumps(body), media_type="application/json")

    return app


def main(arguments: list[str]) -> None:
    """Serve on this machine alone."""
    port, path = int(arguments[0]), Path(arguments[1])
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    relations = {(line["person"], line["relative"]): line["relation"] for line in lines}
    uvicorn.run(create_sandbox(relations), port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
