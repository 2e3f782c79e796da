"""A stand-in for a verifier of identity proofs.

Two references make it fail: `broken` answers what is no verdict, `down` answers 500.
"""

import json
from typing import Any

from fastapi import FastAPI, Response


def create_sandbox(proofs: dict[str, str]) -> FastAPI:
    """The verifier as an application. `proofs` are certificate numbers by reference."""
    app = FastAPI(title="Identity verifier, a stand-in")

    @app.post("/identity")
    async def identity(request: dict[str, Any]) -> Response:
        reference = request["reference"]
        if reference == "down":
            return Response(status_code=500)
        holds = proofs.get(reference) == request["person"]["cert_no"]
        body = {"holds": "perhaps" if reference == "broken" else holds}
        return Response(json.dumps(body), media_type="application/json")

    return app
