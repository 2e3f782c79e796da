"""An agency's search for persons; what it finds is in the access log before the answer leaves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import Field

from api.account.requests import AccountStatus
from api.http.dependencies import Api, ApiOf, CallerOf
from api.http.fields import Body, CertNo, PersonNo, RegionCode
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.caller import Caller, Role, check_role
from service.person.search import Wanted, search


class AccountSearchBody(Body):
    """Whom an agency searches: by exactly one of `person_no` and `id_card`."""

    person_no: PersonNo | None = Field(None, description="The person number.")
    id_card: CertNo | None = Field(None, description="The number of the ID card; personal data.")
    region: RegionCode | None = Field(None, description="Only of this area; code of 6 digits.")
    status: AccountStatus | None = Field(None, description="Only with this status.")


class FoundAccountReply(ApiModel):
    """A person of the agency's region."""

    person_no: str = Field(description="The person number; the account's address has it.")
    name: str = Field(description="The name in clear.")
    region: str = Field(description="Code of the pooling area, 6 digits.")
    insurance: str = Field(description="The insurance, as in the account.")
    status: str = Field(description="The account's status.")


class FoundAccountsReply(ApiModel):
    """Who was found: nobody, or one person."""

    items: list[FoundAccountReply] = Field(description="Empty if the region has no such person.")
    next: str | None = Field(description="Always null: a number finds one person.")


def _purpose(
    purpose: Annotated[
        str | None,
        Header(
            alias="Gongji-Purpose",
            description="What the search is for: a code of 1 to 40 characters, required.",
        ),
    ] = None,
) -> str | None:
    return purpose


PurposeOf = Annotated[str | None, Depends(_purpose)]
Number = Annotated[
    str | None, Query(max_length=40, description="The person number, up to 40 characters.")
]
router = APIRouter(prefix="/v1", tags=["accounts"], route_class=StrictBodyRoute)


@router.post("/accounts:search", response_model=FoundAccountsReply, responses=problems(422))
async def search_accounts(
    api: ApiOf, caller: CallerOf, purpose: PurposeOf, body: AccountSearchBody
) -> Response:
    """Find a person of the region by person number or ID number (agency, with a purpose).

    It changes nothing and takes no Idempotency-Key. A search that finds nobody counts as a miss
    towards the rate limit.
    """
    return await _found(api, caller, purpose, Wanted(*_members(body)))


@router.get("/accounts", response_model=FoundAccountsReply, responses=problems(422))
async def find_accounts(
    api: ApiOf, caller: CallerOf, purpose: PurposeOf, person_no: Number = None
) -> Response:
    """Find a person of the region by person number (agency, with a purpose).

    `POST /v1/accounts:search` takes ID numbers: they belong in no address.
    """
    return await _found(api, caller, purpose, Wanted(person_no, None))


def _members(body: AccountSearchBody) -> tuple[str | None, str | None, str | None, str | None]:
    return body.person_no, body.id_card, body.region, body.status


async def _found(api: Api, caller: Caller, purpose: str | None, wanted: Wanted) -> Response:
    """Search, for a stated purpose and by exactly one number.

    Raises:
        ProblemError: PURPOSE_REQUIRED, FIELD_REQUIRED, FIELD_INVALID.
    """
    check_role(caller, Role.AGENCY)
    if purpose is None:
        raise ProblemError("PURPOSE_REQUIRED")
    sent = [wanted.person_no, wanted.id_card]
    if None not in sent:
        raise _wrong("FIELD_INVALID", "id_card")
    if sent == [None, None]:
        raise _wrong("FIELD_REQUIRED", "person_no")
    items, position = await search(api.context, caller, wanted)
    return json_answer({"items": items, "next": None}, position)


def _wrong(code: str, field: str) -> ProblemError:
    return ProblemError(code, errors=[{"field": field, "code": code}])
