"""A stand-in for a verifier of identity proofs: `create_sandbox` as an application.

It knows which reference is whose. A reference of `broken` or `down` makes the answer so: no
verifier's word, or 500.
"""

import json
from typing import Any

from fastapi import FastAPI, Response


def create_sandbox(proofs: dict[str, str]) -> FastAPI:
    """The verifier of these proofs: a reference to the certificate number of whose it is."""
    app = FastAPI(title="Identity verifier, a stand-in")

    @app.post("/identity")
    async def identity(asked: dict[str, Any]) -> Response:
        """Whether the proof is the person's."""
        reference = asked["reference"]
        if reference == "down":
            return Response(status_code=500)
        holds = proofs.get(reference) == asked["person"]["cert_no"]
        body = {"holds": "perhaps" if reference == "broken" else holds}
        return Response(json.dumps(body), media_type="application/json")

    return app
