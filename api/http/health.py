"""For the operator's network: alive, ready, measured."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from api.http.dependencies import Api, ApiOf
from api.http.headers import json_answer
from api.http.metrics import ScrapedState, measures
from api.http.openapi_helpers import told_headers
from api.http.problems import RETRY_AFTER_S
from api.http.schemas import LiveReply, ReadyReason, ReadyReply, UnreadyReply
from service.proof.outside import state_of
from service.proof.proofs import unsealed
from service.read_models.lag import lags
from service.runtime.readiness import CHECK_MAX_S, ReadinessReason, ReadinessStatus, status_of

router = APIRouter(tags=["health"])


@router.get("/livez", response_model=LiveReply)
async def check_liveness() -> Response:
    """The process answers."""
    return Response(b'{"status":"alive"}', media_type="application/json")


UNREADY: dict[int | str, dict[str, Any]] = {
    503: {
        "model": UnreadyReply,
        "description": "Not ready; `reasons` say why",
        "headers": told_headers("Retry-After"),
    }
}


@router.get("/readyz", response_model=ReadyReply, responses=UNREADY)
async def check_readiness(api: ApiOf) -> Response:
    """Whether this process serves, and why it is degraded; `position` is the newest event's."""
    reasons, position = await asyncio.gather(api.context.readiness.reasons(), _position(api))
    if isinstance(position, ReadinessReason):
        reasons.append(position)
    status = status_of(reasons)
    told = [ReadyReason(code=reason.code, detail=reason.detail) for reason in reasons]
    if status is ReadinessStatus.UNREADY:
        unready = UnreadyReply(status="unready", code="NOT_READY", reasons=told)
        answer = json_answer(unready, status=503)
        answer.headers["Retry-After"] = RETRY_AFTER_S
        return answer
    return json_answer(ReadyReply(status=status.value, position=position, reasons=told))


async def _position(api: Api) -> int | ReadinessReason:
    """The newest event's position, or the reason why it cannot be read."""
    try:
        async with asyncio.timeout(CHECK_MAX_S):
            return await api.context.store.position()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the ledger does not answer
        return ReadinessReason("LEDGER_UNREACHABLE", type(error).__name__, stops=True)


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics(api: ApiOf) -> Response:
    """Numbers for Prometheus."""
    pool = api.read_models.pool
    behind = [] if pool is None else await lags(pool, api.context.clock)
    alone = ScrapedState(await unsealed(pool), api.tokens.failing_s, state_of(api.context.outside))
    told = measures(api.context.appender, behind, alone)
    return Response(told, media_type="text/plain; version=0.0.4")
