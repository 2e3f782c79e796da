"""Who the holder of a token is."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.account.responses import Balance, Suspense
from api.http.dependencies import ApiOf, CallerOf
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from service.account import me


class OwnAccountReply(ApiModel):
    """The reader's own account, as `GET /v1/accounts/{person_no}` shows it."""

    person_no: str = Field(description="The person's number.")
    name: str | None = Field(description="The reader's own name in clear; null once erased.")
    region: str = Field(description="Code of the pooling area, 6 digits.")
    insured_place: str = Field(description="The code given when the account was opened.")
    insurance: str = Field(description="`employee` or `resident`.")
    status: str = Field(description="The account's status, such as `normal` or `frozen`.")
    flags: list[str] = Field(description="Marks on the person, such as `chronic_disease`.")
    credentials: list[str] = Field(description="Kinds of credentials held, without numbers.")
    balance: Balance = Field(description="Yuan by bucket, held, and available.")
    suspense: list[Suspense] = Field(description="Money kept aside under tickets, in yuan.")
    pool_id: str | None = Field(None, description="The family pool, where there is one.")
    version: int = Field(description="The account's number of events.")


class FamilyMemberReply(ApiModel):
    """Somebody on the other side, as far as the reader may know of that person."""

    person_no: str | None = Field(description="The other person's number.")
    name: str | None = Field(description="The other person's masked name; null once erased.")
    relation_to_you: str | None = Field(
        description="What that person is to the reader, in the words of a binding's `relation`; "
        "null where there is no such word."
    )


class BeneficiaryReply(FamilyMemberReply):
    """Somebody for whom the reader's account pays."""

    binding_id: str = Field(description="The binding that is in force.")


class SponsorReply(BeneficiaryReply):
    """Somebody whose account pays for the reader."""

    rank: int | None = Field(description="The place in the paying order from 1; null before one.")


class WaitingReply(FamilyMemberReply):
    """Something that waits: an invitation or link to answer, an order to set, a review."""

    kind: Literal["invitation", "order", "document_review", "link"] = Field(
        description="`document_review` waits for the agency, everything else for the reader."
    )
    id: str | None = Field(description="The binding or the credential link; null for `order`.")
    until: str | None = Field(description="The last moment or day for it; null for none.")


class OwnInstitutionReply(ApiModel):
    """The reader's institution."""

    code: str = Field(description="The institution's code.")
    name: str = Field(description="The institution's name.")
    status: str = Field(description="`active`, `suspended` or `ended`.")


class MeReply(ApiModel):
    """The holder of the token.

    `account` and what follows it is a person's; `institution` an institution's.
    """

    role: Literal["agency", "institution", "person", "auditor", "operator"] = Field(
        description="What the holder is."
    )
    subject: str = Field(description="A person number, an institution code, or a clerk's name.")
    regions: list[str] = Field(
        description="Codes of the pooling areas: an agency's or auditor's own, or all that the "
        "service knows; a person's; an institution's."
    )
    account: OwnAccountReply | None = Field(description="Null for others, and without an account.")
    institution: OwnInstitutionReply | None = Field(description="Null for others.")
    waiting: list[WaitingReply] = Field(description="What waits, at most 200 of each kind.")
    sponsors: list[SponsorReply] = Field(description="Who pays for the reader, in paying order.")
    beneficiaries: list[BeneficiaryReply] = Field(description="For whom the reader pays.")
    position: int = Field(description="The position in the log that this is as of.")


router = APIRouter(prefix="/v1", tags=["accounts"])


@router.get("/me", response_model=MeReply, responses=problems())
async def look_at_me(api: ApiOf, caller: CallerOf) -> Response:
    """Who the token's holder is, and for a person the own account and family (everybody)."""
    answer, position = await me.look_at_me(api.context, api.read_models, caller)
    return json_answer(answer | {"position": position}, position)
