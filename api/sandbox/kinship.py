"""A stand-in for a kinship registry: `python -m api.sandbox.kinship PORT FILE`.

FILE holds lines `{"person": CERT_NO, "relative": CERT_NO, "relation": WORD}`. A relation of
`slow`, `broken` or `down` makes the answer so: ten seconds late, no registry's word, or 500.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

SLOW_S = 10.0


def create_sandbox(facts: dict[tuple[str, str], str]) -> FastAPI:
    """The registry of these facts: (person, relative) by certificate number to a word."""
    app = FastAPI(title="Kinship registry, a stand-in")

    @app.post("/kinship")
    async def kinship(asked: dict[str, dict[str, Any]]) -> Response:
        """What the relative is to the person."""
        pair = (asked["person"]["cert_no"], asked["relative"]["cert_no"])
        word = facts.get(pair)
        if word == "down":
            return Response(status_code=500)
        if word == "slow":
            await asyncio.sleep(SLOW_S)
        body = {"relation": "cousin" if word == "broken" else word}
        return Response(json.dumps(body), media_type="application/json")

    return app


def main(arguments: list[str]) -> None:
    """Serve a file of facts on this machine alone."""
    port, path = int(arguments[0]), Path(arguments[1])
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    facts = {(line["person"], line["relative"]): line["relation"] for line in lines}
    uvicorn.run(create_sandbox(facts), port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
