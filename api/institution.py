"""Routes of institutions and of published policies."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, StringConstraints
from pydantic_core import from_json

from aggregates.vocabulary import (
    AccountFlag,
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    SignatureStyle,
    StatementWords,
)
from api.his.wire.sealed import SealingKeys, answer_key, is_sound
from api.his.wire.sm2 import verifier
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    ChangeOf,
    PageOf,
    answer_read,
    page_answer,
)
from api.http.fields import Body, InstitutionCode, Reference, RegionCode, ShortText, Word
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service import institution as institutions
from service import policy as editions
from service.context import ServiceContext


class DialectBody(Body):
    """How an institution's system writes and reads; what is not sent is left unchanged."""

    mulaid_mode: Literal["contained", "beside"] | None = None
    fund_includes_acct: bool | None = None
    numbers: bool | None = None
    stmt_rslt: Literal["national", "hubei"] | None = None
    nulls: bool | None = Field(
        None, description="A missing value is null; otherwise 0 for numbers, an empty text else."
    )
    acct_used_flag: Literal["national", "hunan"] | None = Field(
        None,
        description="What acct_used_flag 1 means: own account and aid, or in Hunan own only.",
    )


class SignatureBody(Body):
    """How an institution signs; a secret that is not sent is left unchanged.

    With `sm2` the secret is the institution's public key in hex, and the service needs its extra.
    With `apikey` it is the header's value. With `oauth2` it is the client's secret, and `paasid`,
    or the institution's code, is the client. With `sm4` it is `<appSecret>:<public key in hex>`,
    `paasid` is the appId of 16 characters or more, and `answer_key` signs the answers.
    """

    style: Literal["x-tif", "csb", "x-ca", "sm2", "none", "apikey", "oauth2", "sm4"]
    paasid: Word | None = None
    secret: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,200}$")] | None = None


class InstitutionBody(Body):
    """A designated institution."""

    code: InstitutionCode
    name: ShortText
    class_: Literal["hospital", "pharmacy", "checkup"] = Field(alias="class")
    region: RegionCode
    status: Literal["active", "suspended", "ended"] = "active"
    opened_regions: tuple[RegionCode, ...] = ()
    sensitive: bool = False
    level: Literal["1", "2", "3"] | None = Field(
        None, description="A hospital's level, for the pooled fund's part; none if unknown."
    )
    dialect: DialectBody | None = None
    signature: SignatureBody | None = None
    reference: Reference | None = None


class DialectReply(ApiModel):
    """How an institution's system writes and reads the national messages."""

    mulaid_mode: Literal["contained", "beside"]
    fund_includes_acct: bool
    numbers: bool
    stmt_rslt: Literal["national", "hubei"]
    nulls: bool
    acct_used_flag: Literal["national", "hunan"]


class SignatureReply(ApiModel):
    """How an institution signs; its secret is never shown."""

    style: Literal["x-tif", "csb", "x-ca", "sm2", "none", "apikey", "oauth2", "sm4"]
    paasid: str | None
    has_secret: bool
    answer_key: str | None = None


class InstitutionReply(ApiModel):
    """A designated institution."""

    code: str
    name: str
    class_: str = Field(alias="class")
    region: str
    status: str
    opened_regions: list[str]
    sensitive: bool
    level: str | None
    dialect: DialectReply
    signature: SignatureReply | None
    version: int
    position: int


class EditionReply(ApiModel):
    """One edition of a region's rules: these members, and one for every rule.

    `./gongji policy show` explains the rules; amounts of rules are in fen.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    region: str
    region_name: str
    effective_on: str
    effective_until: str | None
    evidence: str
    source: str


class ListedInstitutionReply(ApiModel):
    """An institution in a list."""

    institution_id: str = Field(description="Its id in the log, as signals show it.")
    code: str = Field(description="The institution's code.")
    name: str = Field(description="The institution's name.")
    class_: str = Field(alias="class", description="`hospital`, `pharmacy` or `checkup`.")
    region: str = Field(description="Code of the pooling area, 6 digits.")
    status: str = Field(description="`active`, `suspended` or `ended`.")


class InstitutionsReply(ApiModel):
    """A page of institutions, those designated last first."""

    items: list[ListedInstitutionReply] = Field(description="At most `limit` institutions.")
    next: str | None = Field(description="The cursor of the next page; null after the last.")


class PolicyReply(ApiModel):
    """A region's published editions, oldest first."""

    region: str
    editions: list[EditionReply]


NO_SECRET = {"field": "signature.secret", "code": "FIELD_INVALID"}
router = APIRouter(prefix="/v1", tags=["institutions and policies"], route_class=StrictBodyRoute)


@router.put(
    "/institutions/{code}", response_model=InstitutionReply, responses=problems(404, 422, 501)
)
async def designate_institution(change: ChangeOf, code: str, body: InstitutionBody) -> Response:
    """Put an institution under agreement, or change it (agency)."""
    if body.code != code:
        raise ProblemError("FIELD_INVALID", errors=[{"field": "code", "code": "FIELD_INVALID"}])
    request = change.request(f"institutions/{code}", body, needs_key=False)
    reply = await institutions.designate(change.context, request, designation_of(body))
    return change.answer(reply, 200, partial(_shown, change.context))


@router.get("/institutions", response_model=InstitutionsReply, responses=problems(422))
async def list_institutions(api: ApiOf, caller: CallerOf, page: PageOf) -> Response:
    """The institutions of the region, those designated last first (agency, auditor)."""
    return page_answer(
        await institutions.institutions_of_region(api.context, api.read_models, caller, page)
    )


@router.get("/institutions/{code}", response_model=InstitutionReply, responses=problems(404))
async def look_at_institution(api: ApiOf, caller: CallerOf, code: str) -> Response:
    """An institution as of now (itself, agencies, auditors)."""
    reply = await institutions.look_at_institution(api.context, caller, code)
    return answer_read(reply, partial(_shown, api.context))


@router.get("/policies", response_model=list[PolicyReply], responses=problems())
async def list_policies(api: ApiOf, _: CallerOf) -> Response:
    """The editions of every region that the service knows: published, or in its files."""
    regions = api.context.policies.regions()
    rulebooks = await editions.look_at_rulebooks(api.context, regions)
    return json_answer([_policy(region, rulebooks[region]) for region in sorted(rulebooks)])


@router.get("/policies/{region}", response_model=PolicyReply, responses=problems(404))
async def look_at_policy(api: ApiOf, _: CallerOf, region: str) -> Response:
    """A region's editions, oldest first; `region` is any code of the pooling area."""
    return json_answer(_policy(*await editions.look_at_rulebook(api.context, region)))


def _shown(context: ServiceContext, body: dict[str, Any]) -> dict[str, Any]:
    """An institution with the key that signs the answers to it, where it seals its messages."""
    signature = body["signature"]
    if signature is None or signature["style"] != SignatureStyle.SM4:
        return body
    return body | {"signature": signature | {"answer_key": answer_key(context.vault)}}


def designation_of(body: InstitutionBody) -> institutions.Designate:
    """The command of a designation."""
    return institutions.Designate(
        code=body.code,
        name=body.name,
        kind=InstitutionKind(body.class_),
        region=body.region,
        status=InstitutionStatus(body.status),
        opened_regions=body.opened_regions,
        sensitive=body.sensitive,
        hospital_level=body.level or "",
        dialect=_dialect_of(body.dialect),
        signature=_signature_of(body.signature),
    )


def _dialect_of(body: DialectBody | None) -> institutions.DialectUpdate:
    if body is None:
        return institutions.UNSAID
    return institutions.DialectUpdate(
        mulaid_mode=MulaidMode(body.mulaid_mode) if body.mulaid_mode else None,
        fund_includes_acct=body.fund_includes_acct,
        numbers=body.numbers,
        stmt_rslt=StatementWords(body.stmt_rslt) if body.stmt_rslt else None,
        nulls=body.nulls,
        acct_used_flag=AccountFlag(body.acct_used_flag) if body.acct_used_flag else None,
    )


def _signature_of(body: SignatureBody | None) -> institutions.Signing | None:
    if body is None:
        return None
    if body.style == "sm2" and body.secret is not None:
        verifier(body.secret)
    if body.style == "sm4" and body.secret is not None:
        secret, _, public = body.secret.rpartition(":")
        if not is_sound(SealingKeys(body.paasid or "", secret, public)):
            raise ProblemError("FIELD_INVALID", errors=[NO_SECRET])
    return institutions.Signing(SignatureStyle(body.style), body.paasid, body.secret)


def _policy(region: str, published: editions.Published) -> dict[str, Any]:
    return {"region": region, "editions": [from_json(content) for _, content in published]}
