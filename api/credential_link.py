"""Credential links (亲情账户): ask, confirm, review, activate, show, close, look. No money."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from aggregates.vocabulary import LinkEvidence, Relation
from api.binding.requests import RelationWord
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    Render,
    answer_read,
    page_answer,
)
from api.http.fields import (
    NUMBER_MAX,
    Body,
    NothingBody,
    PersonNo,
    ReasonBody,
    Reference,
    Remark,
)
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel as ReplyModel
from api.http.strict_body import StrictBodyRoute
from service.caller import Role
from service.context import ServiceContext
from service.credential_link import (
    activation,
    closure,
    codes,
    confirmation,
    opening,
    queries,
    review,
)
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.read_models.reader import PageRequest


class ProofBody(Body):
    """How a member's identity is proven: over 16 household page or face, else papers."""

    kind: Literal["household_page", "face", "birth_certificate", "notarised"]
    reference: Reference


class LinkBody(Body):
    """A credential link. An agency names the guardian; a person is the guardian himself."""

    guardian: PersonNo | None = None
    member: PersonNo
    relation: RelationWord
    evidence: ProofBody


class ReviewBody(Body):
    """What an agency says of the evidence of a link, and why."""

    decision: Literal["approve", "reject"]
    reason: Remark


class ListedLink(ReplyModel):
    """A credential link: `guardian` may show the code of `member` while it is `active`.

    Both are person numbers. `requested` waits for the member's confirmation, `in_review` for the
    agency of his region, `applied` for its activation; `suspended` was active and waits for one
    of them. `member` is null to the guardian while nobody but himself said yes.
    """

    link_id: str
    guardian: str | None
    member: str | None
    relation: str
    status: Literal["requested", "in_review", "applied", "active", "suspended", "closed"]
    opened_at: str
    closed_at: str | None
    version: int


class LinkReply(ListedLink):
    """A credential link as it stands."""

    position: int


class LinksReply(ReplyModel):
    """A page of credential links, newest first."""

    items: list[ListedLink]
    next: str | None


class Display(ReplyModel):
    """One display of the member's code, and the settlements in which it was shown."""

    shown_at: str
    expires_at: str
    channel: str
    settlements: list[str]


class LinkWithDisplaysReply(LinkReply):
    """A credential link with the displays of its code, the newest 100 first."""

    displays: list[Display]


class CodeReply(ReplyModel):
    """The member's code; an institution sends it as `e_credential` until it expires."""

    link_id: str
    code: str
    expires_at: str
    position: int


router = APIRouter(
    prefix="/v1/credential-links", tags=["credential links"], route_class=StrictBodyRoute
)


@router.post(
    "",
    status_code=201,
    response_model=LinkReply,
    responses=problems(404, 409, 422),
)
async def open_link(change: ChangeOf, body: LinkBody) -> Response:
    """Ask to show a member's code (the guardian, or his agency). Shares no money.

    An adult member confirms; for a minor the kinship register names the guardian as a parent, or
    the agency of the member's region reviews the evidence. The answer is the same whether there is
    such a person or not.
    """
    if change.caller.role is Role.AGENCY and body.guardian is None:
        raise ProblemError(
            "FIELD_REQUIRED", errors=[{"field": "guardian", "code": "FIELD_REQUIRED"}]
        )
    asked = change.request("credential-links", body)
    reply = await opening.open_link(change.context, asked, _opening_of(body))
    return await _answered(change, reply, member=body.member)


@router.get("", response_model=LinksReply, responses=problems(404, 422))
async def list_links(
    api: ApiOf,
    caller: CallerOf,
    person_no: Annotated[
        str | None, Query(max_length=40, description="whose, for an agency or an auditor")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
) -> Response:
    """The links in which the caller is guardian or member, newest first."""
    if person_no is None and caller.role in {Role.AGENCY, Role.AUDITOR}:
        names = [{"field": "person_no", "code": "QUERY_INVALID"}]
        raise ProblemError("QUERY_INVALID", errors=names)
    asked = PageRequest(cursor, limit, min_position)
    return page_answer(
        await queries.links_of(api.context, api.read_models, caller, person_no, asked)
    )


@router.get("/{link_id}", response_model=LinkWithDisplaysReply, responses=problems(404))
async def look_at_link(api: ApiOf, caller: CallerOf, link_id: str) -> Response:
    """A link, and when its code was shown and used (its sides, their agencies, auditors)."""
    stream = stream_of("lnk", link_id)
    reply = await queries.look_at_link(api.context, caller, stream)
    displays = await queries.displays_of(api.context, api.read_models, stream)
    with_persons = await _with_persons(api.context, reply.answer)
    return answer_read(reply, lambda link: with_persons(link) | {"displays": displays})


@router.post(
    "/{link_id}/confirmation",
    status_code=201,
    response_model=LinkReply,
    responses=problems(403, 404, 409),
)
async def confirm_link(change: ChangeOf, link_id: str, body: NothingBody) -> Response:
    """Agree that the guardian shows the code (the member, a minor's parent, or his agency)."""
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/confirmation", body)
    return await _answered(change, await confirmation.confirm_link(change.context, asked, stream))


@router.post(
    "/{link_id}/review",
    status_code=201,
    response_model=LinkReply,
    responses=problems(403, 404, 409, 422),
)
async def review_link(change: ChangeOf, link_id: str, body: ReviewBody) -> Response:
    """Judge the evidence for a minor (the agency of the member's region); a no closes the link."""
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/review", body)
    verdict = review.Review(is_approved=body.decision == "approve", reason=body.reason)
    reply = await review.review_link(change.context, asked, stream, verdict)
    return await _answered(change, reply)


@router.post(
    "/{link_id}/activation",
    status_code=201,
    response_model=LinkReply,
    responses=problems(403, 404, 409),
)
async def activate_link(change: ChangeOf, link_id: str, body: NothingBody) -> Response:
    """Take a minor's link into use, once approved (the guardian, or his agency)."""
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/activation", body)
    reply = await activation.activate_link(change.context, asked, stream)
    return await _answered(change, reply)


@router.post(
    "/{link_id}/codes",
    status_code=201,
    response_model=CodeReply,
    responses=problems(404, 409),
)
async def show_code(change: ChangeOf, link_id: str, body: NothingBody) -> Response:
    """Show the member's code, to be used as `e_credential` (the guardian, or his agency)."""
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/codes", body)
    return change.answer(await codes.show_code(change.context, asked, stream))


@router.post(
    "/{link_id}/closure",
    status_code=201,
    response_model=LinkReply,
    responses=problems(404, 409),
)
async def close_link(change: ChangeOf, link_id: str, body: ReasonBody) -> Response:
    """Close a link (either side, or an agency); codes that were shown hold no more."""
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/closure", body)
    reply = await closure.close_link(change.context, asked, stream, body.reason)
    return await _answered(change, reply)


def _opening_of(body: LinkBody) -> opening.OpenLink:
    """A guardian's request as the service takes it."""
    return opening.OpenLink(
        guardian=body.guardian,
        member=body.member,
        relation=Relation(body.relation.upper()),
        evidence=LinkEvidence(body.evidence.kind.upper()),
        reference=body.evidence.reference,
    )


async def _answered(change: Change, reply: Reply, member: str | None = None) -> Response:
    """A link's answer; `member` is the number that the caller himself wrote."""
    if reply.refusal:
        return change.answer(reply)
    with_persons = await _with_persons(change.context, reply.answer)

    def render(link: dict[str, Any]) -> dict[str, Any]:
        told = with_persons(link)
        return told if member is None else told | {"member": member}

    return change.answer(reply, render=render)


async def _with_persons(context: ServiceContext, answer: bytes) -> Render:
    guardian, member = queries.sides_in(answer)
    persons = await persons_of(context, (guardian,) if member is None else (guardian, member))
    numbers = {stream: person and person.person_no for stream, person in persons.items()}

    def render(link: dict[str, Any]) -> dict[str, Any]:
        return link | {side: numbers.get(link[side]) for side in ("guardian", "member")}

    return render
