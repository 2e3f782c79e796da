"""Proofs: checkpoints, inclusion, consistency, receipts, and what witnesses bring.

JSON by default; with `Accept: text/plain` the text form alone, as C2SP writes it down.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.http.dependencies import ApiOf, CallerOf
from api.http.headers import answer_headers, json_answer
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.strict_body import StrictBodyRoute
from api.proof.schemas import (
    CheckpointReply,
    ConsistencyReply,
    CosignatureBody,
    CosignatureReply,
    InclusionReply,
    ReceiptReply,
)
from service.ids import stream_of
from service.proof import proofs
from service.proof.merkle import SIZE_MAX
from service.proof.signed_notes import b64, read_checkpoint

TEXT = "text/plain"
TOLD: dict[int | str, dict[str, Any]] = {
    200: {"content": {TEXT: {"schema": {"type": "string"}}}, "description": "The proof"}
}
Size = Annotated[int, Query(ge=1, le=SIZE_MAX)]

router = APIRouter(prefix="/v1", tags=["proof"], route_class=StrictBodyRoute)


@router.get("/audit/checkpoint", response_model=CheckpointReply, responses=TOLD | problems(409))
async def look_at_checkpoint(request: Request, api: ApiOf, caller: CallerOf) -> Response:
    """The newest signed checkpoint, the newest with a witness's signature, the keys (auditor)."""
    found = await proofs.look_at_checkpoint(api.read_models.pool, caller)
    signed, witnessed = found.newest, found.witnessed
    told = {
        "origin": read_checkpoint(signed.note).origin,
        "size": signed.head.size,
        "root": b64(signed.head.root),
        "checkpoint": signed.note,
        "witnessed": witnessed.note if witnessed else None,
        "keys": found.keys,
    }
    return _answer(request, told, "checkpoint")


@router.get(
    "/audit/proofs/inclusion", response_model=InclusionReply, responses=TOLD | problems(404, 409)
)
async def prove_inclusion(
    request: Request, api: ApiOf, caller: CallerOf, position: Size, size: Size | None = None
) -> Response:
    """That the row of a position is in the log of `size`, else of the newest (auditor)."""
    if size is not None and size < position:
        raise _wrong("size")
    found = await proofs.prove_inclusion(api.read_models.pool, caller, position, size)
    told = {
        "position": position,
        "leaf_index": position - 1,
        "size": found.head.size,
        "leaf_hash": b64(found.leaf),
        "hashes": [b64(each) for each in found.hashes],
        "root": b64(found.head.root),
        "proof": found.proof,
    }
    return _answer(request, told, "proof")


@router.get(
    "/audit/proofs/consistency",
    response_model=ConsistencyReply,
    responses=TOLD | problems(404, 409),
)
async def prove_consistency(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    old: Annotated[int, Query(alias="from", ge=1, le=SIZE_MAX)],
    to: Size,
) -> Response:
    """That the log of size `from` is the beginning of the log of size `to` (auditor)."""
    if old > to:
        raise _wrong("to")
    return _grown(request, await proofs.prove_growth(api.read_models.pool, caller, old, to))


@router.get(
    "/settlements/{settlement_id}/receipt",
    response_model=ReceiptReply,
    responses=TOLD | problems(404, 409),
)
async def look_at_receipt(
    request: Request, api: ApiOf, caller: CallerOf, settlement_id: str
) -> Response:
    """Proof that a settlement is in the log (its institution, auditor); waits up to 2 s."""
    stream = stream_of("stl", settlement_id)
    found = await proofs.receipt(api.context, api.read_models.pool, caller, stream)
    told = {
        "settlement_id": stream,
        "position": found.position,
        "leaf_index": found.position - 1,
        "proof": found.proof,
    }
    return _answer(request, told, "proof")


@router.get(
    "/witness/checkpoint", response_model=ConsistencyReply, responses=TOLD | problems(404, 409)
)
async def look_as_witness(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    old: Annotated[int, Query(alias="from", ge=0, le=SIZE_MAX)] = 0,
) -> Response:
    """The newest checkpoint, proven from the size seen before (institution, agency, auditor).

    As text it is what a witness of C2SP takes: `old`, the hashes, the signed note.
    """
    return _grown(request, await proofs.look_as_witness(api.read_models.pool, caller, old))


@router.put(
    "/witness/cosignature",
    response_model=CosignatureReply,
    responses=problems(404, 422),
)
async def cosign(request: Request, api: ApiOf, caller: CallerOf, body: CosignatureBody) -> Response:
    """Bring a witness's signature of a checkpoint (institution, agency); the newest counts.

    Nothing in the ledger changes, and the same again is the same.
    """
    key, line = body.verifier_key, body.line
    signed = await proofs.cosign(api.read_models.pool, caller, key, body.size, line)
    return _answer(request, {"size": body.size, "checkpoint": signed.note}, "checkpoint")


def _grown(request: Request, found: proofs.Growth) -> Response:
    told = {
        "from": found.old.size,
        "to": found.new.size,
        "from_root": b64(found.old.root),
        "root": b64(found.new.root),
        "hashes": [b64(each) for each in found.hashes],
        "proof": found.proof,
    }
    return _answer(request, told, "proof")


def _answer(request: Request, told: dict[str, Any], text: str) -> Response:
    place = told.get("position") or told.get("size") or told.get("to")
    if TEXT in request.headers.get("accept", "").lower() and told[text] is not None:
        return Response(told[text], 200, answer_headers(place), f"{TEXT}; charset=utf-8")
    return json_answer(told, place)


def _wrong(field: str) -> ProblemError:
    return ProblemError("QUERY_INVALID", errors=[{"field": field, "code": "QUERY_INVALID"}])
