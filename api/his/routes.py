"""The national protocol in the OpenAPI document, and its readable page at `/docs/fsi`."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict

from api.his.docs_page import page
from api.his.exchange import Exchange
from api.his.gateway import arrival_of
from api.http.dependencies import ApiOf
from api.http.fields import Body
from api.http.headers import answer_headers
from api.http.openapi_helpers import body_of
from api.http.schemas import ApiModel

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
