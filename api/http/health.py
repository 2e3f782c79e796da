"""For the operator's network: alive, ready, measured."""

from fastapi import APIRouter, Response

from api.http.dependencies import DoorOf
from api.http.metrics import measures
from api.http.problems import ProblemError
from api.http.schemas import LiveReply, ReadyReply
from service.proof.proofs import unsealed

router = APIRouter(tags=["health"])


@router.get("/livez", response_model=LiveReply)
async def live() -> Response:
    """The process answers."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get("/readyz", response_model=ReadyReply)
async def ready(door: DoorOf) -> Response:
    """The ledger answers; `position` is its newest event's."""
    try:
        position = await door.house.store.position()
    except Exception as error:
        raise ProblemError("NOT_READY") from error
    return Response(b'{"status":"ready","position":%d}' % position, media_type="application/json")


@router.get("/metrics")
async def metrics(door: DoorOf) -> Response:
    """Numbers for Prometheus."""
    waiting = await unsealed(door.shelf.pool)
    told = measures(door.house.appender, waiting)
    return Response(told, media_type="text/plain; version=0.0.4")
