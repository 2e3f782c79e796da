"""A family pool (家庭共济账户): open it, look at it, move money into it and back."""

from fastapi import APIRouter, Request, Response
from pydantic import Field
from pydantic_core import to_json

from api.account.statement_schemas import EntriesReply
from api.binding.person_numbers import answer_with_numbers, check_named, numbers_in
from api.http.dependencies import ApiOf, CallerOf, ChangeOf, PageOf, answer_read
from api.http.fields import Amount, Body, NothingBody, PersonNo, fen
from api.http.headers import answer_headers
from api.http.openapi_helpers import problems
from api.http.problems import is_english
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.bilingual import Language
from service.ids import stream_of
from service.pool import pool_entries, pools


class PoolBody(Body):
    """A pool to open. An agency names the owner; a person is the owner."""

    owner: PersonNo | None = None


class PoolTransferBody(Body):
    """An amount that the owner moves from the account into the pool."""

    amount: Amount


class PoolReply(ApiModel):
    """A family pool, and what its owner may move into it now. Amounts in yuan.

    `floor`, `minimum` and `next_transfer_on` are null where the region has no pools any more.
    """

    pool_id: str
    owner: str | None
    balance: str
    held: str
    available: str
    floor: str | None = Field(description="Stays in the owner's account.")
    minimum: str | None = Field(description="The least amount of a transfer; null for none.")
    transferable: str = Field(description="What may be moved into the pool now.")
    transfers_left: int | None = Field(description="In this month; null without a limit.")
    next_transfer_on: str | None
    policy_edition: str
    version: int
    position: int


OWNER = ("owner",)
router = APIRouter(prefix="/v1/pools", tags=["pools"], route_class=StrictBodyRoute)


@router.post("", status_code=201, response_model=PoolReply, responses=problems(403, 404, 409, 422))
async def open_pool(change: ChangeOf, body: PoolBody) -> Response:
    """Open a person's family pool, once (the owner, or the agency).

    Where the region's rules say so, relatives spend from the pool and never from the account. The
    account's answer names its `pool_id`.
    """
    check_named(change.caller, body.owner, "owner")
    reply = await pools.open_pool(change.context, change.request("pools", body), body.owner)
    return await answer_with_numbers(change, reply, OWNER)


@router.get("/{pool_id}", response_model=PoolReply, responses=problems(404))
async def look_at_pool(api: ApiOf, caller: CallerOf, pool_id: str) -> Response:
    """A pool as of now (its owner, the agency, auditors). Relatives do not see its balance."""
    reply = await pools.look_at_pool(api.context, caller, stream_of("fpl", pool_id))
    numbers = await numbers_in(api.context, reply.answer, OWNER)
    return answer_read(reply, lambda pool: pool | numbers)


@router.get("/{pool_id}/entries", response_model=EntriesReply, responses=problems(404, 422))
async def look_at_pool_entries(
    request: Request, api: ApiOf, caller: CallerOf, pool_id: str, page: PageOf
) -> Response:
    """A pool's statement, newest first (its owner, the agency, auditors).

    Each entry has a sentence, as in the statement of an account; `current` is the pool's money.
    """
    is_in_english = is_english(request.headers.get("accept-language"))
    language = Language.ENGLISH if is_in_english else Language.CHINESE
    stream = stream_of("fpl", pool_id)
    result = await pool_entries.entries(api.context, caller, stream, page, language)
    body = to_json({"items": result.items, "next": result.following})
    headers = answer_headers(result.position)
    headers |= {"Content-Language": language, "Vary": "Accept-Language"}
    return Response(body, media_type="application/json", headers=headers)


@router.post(
    "/{pool_id}/transfers",
    status_code=201,
    response_model=PoolReply,
    responses=problems(404, 409, 422),
)
async def transfer_to_pool(change: ChangeOf, pool_id: str, body: PoolTransferBody) -> Response:
    """Move money from the owner's account into the pool (the owner, or the agency).

    409 `POOL_FLOOR`, `POOL_TRANSFER_TOO_SMALL` or `POOL_TRANSFER_LIMIT`: the region's rules
    forbid it; `floor` stays in the account, and `transferable` may be moved now.
    """
    stream = stream_of("fpl", pool_id)
    request = change.request(f"pools/{stream}/transfers", body)
    reply = await pools.transfer(change.context, request, stream, fen(body.amount))
    return await answer_with_numbers(change, reply, OWNER)


@router.post(
    "/{pool_id}/withdrawals",
    status_code=201,
    response_model=PoolReply,
    responses=problems(404, 409, 422),
)
async def withdraw_from_pool(change: ChangeOf, pool_id: str, body: NothingBody) -> Response:
    """Move all that is free in the pool back to the owner's account (the owner, or the agency).

    409 `POOL_HAS_MEMBERS`: relatives are bound, and the money is theirs to spend. The end of the
    owner's account does the same without a request.
    """
    stream = stream_of("fpl", pool_id)
    request = change.request(f"pools/{stream}/withdrawals", body)
    reply = await pools.withdraw(change.context, request, stream)
    return await answer_with_numbers(change, reply, OWNER)
