"""Proofs: checkpoints, inclusion, consistency, receipts, and the signatures of witnesses.

JSON by default; with `Accept: text/plain` only the text form of C2SP.
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
PROOF_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {TEXT: {"schema": {"type": "string"}}}, "description": "The proof"}
}
Size = Annotated[int, Query(ge=1, le=SIZE_MAX)]

router = APIRouter(prefix="/v1", tags=["proof"], route_class=StrictBodyRoute)


@router.get(
    "/audit/checkpoint", response_model=CheckpointReply, responses=PROOF_RESPONSES | problems(409)
)
async def look_at_checkpoint(request: Request, api: ApiOf, caller: CallerOf) -> Response:
    """The newest signed checkpoint, the newest that a witness signed, the keys (auditor)."""
    signed, witnessed, keys = await proofs.look_at_checkpoint(api.read_models.pool, caller)
    reply = {
        "origin": read_checkpoint(signed.note).origin,
        "size": signed.head.size,
        "root": b64(signed.head.root),
        "checkpoint": signed.note,
        "witnessed": witnessed.note if witnessed else None,
        "keys": keys,
    }
    return _answer(request, reply, "checkpoint")


@router.get(
    "/audit/proofs/inclusion",
    response_model=InclusionReply,
    responses=PROOF_RESPONSES | problems(404, 409),
)
async def prove_inclusion(
    request: Request, api: ApiOf, caller: CallerOf, position: Size, size: Size | None = None
) -> Response:
    """That the row of a position is in the log of `size`, by default the newest (auditor)."""
    if size is not None and size < position:
        raise _wrong("size")
    inclusion = await proofs.prove_inclusion(api.read_models.pool, caller, position, size)
    reply = {
        "position": position,
        "leaf_index": position - 1,
        "size": inclusion.head.size,
        "leaf_hash": b64(inclusion.leaf),
        "hashes": [b64(each) for each in inclusion.hashes],
        "root": b64(inclusion.head.root),
        "proof": inclusion.proof,
    }
    return _answer(request, reply, "proof")


@router.get(
    "/audit/proofs/consistency",
    response_model=ConsistencyReply,
    responses=PROOF_RESPONSES | problems(404, 409),
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
    responses=PROOF_RESPONSES | problems(404, 409),
)
async def look_at_receipt(
    request: Request, api: ApiOf, caller: CallerOf, settlement_id: str
) -> Response:
    """Proof that a settlement is in the log; waits up to 2 s (institution, patient, auditor)."""
    stream = stream_of("stl", settlement_id)
    inclusion = await proofs.receipt(api.context, api.read_models.pool, caller, stream)
    reply = {
        "settlement_id": stream,
        "position": inclusion.position,
        "leaf_index": inclusion.position - 1,
        "proof": inclusion.proof,
    }
    return _answer(request, reply, "proof")


@router.get(
    "/witness/checkpoint",
    response_model=ConsistencyReply,
    responses=PROOF_RESPONSES | problems(404, 409),
)
async def look_as_witness(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    old: Annotated[int, Query(alias="from", ge=0, le=SIZE_MAX)] = 0,
) -> Response:
    """The newest checkpoint, proven from the size seen before (institution, agency, auditor).

    As text it is the request to a witness of C2SP: `old`, the hashes, the signed note.
    """
    return _grown(request, await proofs.look_as_witness(api.read_models.pool, caller, old))


@router.put(
    "/witness/cosignature",
    response_model=CosignatureReply,
    responses=problems(404, 422),
)
async def cosign_checkpoint(
    request: Request, api: ApiOf, caller: CallerOf, body: CosignatureBody
) -> Response:
    """Store a witness's signature of a checkpoint (institution, agency); the newest counts.

    Idempotent; nothing in the ledger changes.
    """
    key, line = body.verifier_key, body.line
    signed = await proofs.cosign(api.read_models.pool, caller, key, body.size, line)
    return _answer(request, {"size": body.size, "checkpoint": signed.note}, "checkpoint")


def _grown(request: Request, growth: proofs.Growth) -> Response:
    reply = {
        "from": growth.old.size,
        "to": growth.new.size,
        "from_root": b64(growth.old.root),
        "root": b64(growth.new.root),
        "hashes": [b64(each) for each in growth.hashes],
        "proof": growth.proof,
    }
    return _answer(request, reply, "proof")


def _answer(request: Request, reply: dict[str, Any], text: str) -> Response:
    place = reply.get("position") or reply.get("size") or reply.get("to")
    if TEXT in request.headers.get("accept", "").lower() and reply[text] is not None:
        return Response(reply[text], 200, answer_headers(place), f"{TEXT}; charset=utf-8")
    return json_answer(reply, place)


def _wrong(field: str) -> ProblemError:
    return ProblemError("QUERY_INVALID", errors=[{"field": field, "code": "QUERY_INVALID"}])
