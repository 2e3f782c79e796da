"""A stand-in for a verifier of tokens.

Two tokens make it fail: `broken` answers what is no answer, `down` answers 500.
"""

import json
from typing import Any

from fastapi import FastAPI, Response


def create_sandbox(holders: dict[str, str]) -> FastAPI:
    """The verifier as an application. `holders` are certificate numbers by token."""
    app = FastAPI(title="Credential verifier, a stand-in")

    @app.post("/credential")
    async def credential(request: dict[str, Any]) -> Response:
        token = request["value"]
        if token == "down":  # noqa: S105 -- the name of a behaviour
            return Response(status_code=500)
        body = {"cert_no": 1 if token == "broken" else holders.get(token)}  # noqa: S105
        return Response(json.dumps(body), media_type="application/json")

    return app
