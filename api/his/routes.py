"""The national protocol in the OpenAPI document, its page at `/docs/fsi`, the connection check."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, ConfigDict

from api.his.docs_page import page
from api.his.exchange import Exchange
from api.his.fsi_check import ALWAYS, check_of
from api.his.gateway import arrival_of
from api.http.dependencies import ApiOf, CallerOf
from api.http.fields import Body
from api.http.headers import answer_headers, json_answer
from api.http.openapi_helpers import body_of, problems
from api.http.schemas import ApiModel
from service.institution import look_at_institution

router = APIRouter(tags=["national protocol"])
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class FsiBody(Body):
    """A message of the national protocol. Further members are allowed."""

    model_config = ConfigDict(extra="allow", frozen=True)

    infno: str
    msgid: str
    fixmedins_code: str
    mdtrtarea_admvs: str = ""
    input: dict[str, Any] | str


class FsiReply(ApiModel):
    """An answer of the national protocol. `infcode` is 0 or -1; HTTP is 200 for both."""

    infcode: Literal[0, -1]
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str
    warn_msg: str | None
    cainfo: str | None
    signtype: str | None
    enctype: str | None
    exp_content: str | None
    output: dict[str, Any] | None


class FsiFinding(ApiModel):
    """Something that messages showed. `place` is a node and a field; no value is kept."""

    verdict: Literal["sound", "tolerated", "misread"]
    kind: str
    infno: str
    place: str
    messages: int
    last_at: datetime
    zh: str
    en: str


class FsiCheckArea(ApiModel):
    """One area of the check, with the worst verdict of its findings."""

    area: str
    zh: str
    en: str
    verdict: Literal["sound", "tolerated", "misread"]
    findings: list[FsiFinding]


class FsiCheckReply(ApiModel):
    """What an institution's messages show of its client; `unseen` is without any message."""

    institution: str
    messages: int
    last_at: datetime | None
    verdict: Literal["sound", "tolerated", "misread", "unseen"]
    areas: list[FsiCheckArea]


@router.get(
    "/v1/institutions/{code}/fsi-check", response_model=FsiCheckReply, responses=problems(404)
)
async def check_connection(
    api: ApiOf, caller: CallerOf, code: str, since: Annotated[AwareDatetime | None, Query()] = None
) -> Response:
    """What an institution's client sends that is tolerated or misread (itself, agency, auditor).

    Counts are of messages; with `since` only what was seen last at that time or later is told.
    """
    await look_at_institution(api.context, caller, code)
    return json_answer(check_of(code, await api.findings.of(code, since or ALWAYS)))


@router.post(
    "/fsi/api/rsfComIfsService/callService",
    response_model=FsiReply,
    openapi_extra=body_of(FsiBody),
)
async def call_service(request: Request, api: ApiOf) -> Response:
    """A transaction of the national protocol; `/docs/fsi` documents all of them (institution).

    `api/his/gateway.py` answers in front of this route, under every path of
    `GONGJI_FSI_PATHS`. A message is applied once: its key is `fsi:<infno>:<msgid>`. Each
    institution has its own signature style; the default is the bearer token.
    """
    told = await Exchange(api).answer(request.body, arrival_of(request.scope))
    headers = answer_headers(is_replayed=told.is_replayed)
    return Response(told.body, told.status, headers, told.kind)


@router.get("/docs/fsi", include_in_schema=False)
async def read_page() -> Response:
    """The page: how to connect a client, and a recorded message of every transaction."""
    return HTMLResponse(page(), headers={"Content-Security-Policy": PAGE_POLICY})
