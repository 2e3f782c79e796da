"""Credential links (亲情账户): request, confirm, review, activate, show, close, look up."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from aggregates.vocabulary import LinkEvidence, Relation
from api.binding.person_numbers import answer_with_numbers, check_named, numbers_in
from api.binding.requests import RelationWord
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    ChangeOf,
    PageOf,
    answer_read,
    page_answer,
)
from api.http.fields import (
    Body,
    NothingBody,
    PersonNo,
    ReasonBody,
    Reference,
    Remark,
)
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.caller import Role
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


class ProofBody(Body):
    """The proof of a member's identity: over 16 household page or face, else papers."""

    kind: Literal["household_page", "face", "birth_certificate", "notarised"]
    reference: Reference


class LinkBody(Body):
    """A credential link. An agency names the guardian; a person is the guardian."""

    guardian: PersonNo | None = None
    member: PersonNo
    relation: RelationWord
    evidence: ProofBody


class IdentityCheckBody(Body):
    """A face check of the person who activates: the reference that the verifier knows it by."""

    kind: Literal["face"]
    reference: Reference


class ActivationBody(Body):
    """An activation. Where a verifier is set up, the guardian shows a new check of himself."""

    identity_check: IdentityCheckBody | None = None


class ReviewBody(Body):
    """An agency's decision on the evidence of a link, and its reason."""

    decision: Literal["approve", "reject"]
    reason: Remark


class ListedLink(ApiModel):
    """A credential link: `guardian` may show the code of `member` while it is `active`.

    Both are person numbers. `requested` waits for the member's confirmation, `in_review` for the
    agency of the member's region, `applied` for activation; `suspended` was active and waits for
    one of them. `member` is null to the guardian until someone else agreed.
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
    """A credential link."""

    position: int


class LinksReply(ApiModel):
    """A page of credential links, newest first."""

    items: list[ListedLink]
    next: str | None


class Display(ApiModel):
    """One display of the member's code, and the settlements it was used for."""

    shown_at: str
    expires_at: str
    channel: str
    settlements: list[str]


class LinkWithDisplaysReply(LinkReply):
    """A credential link with the displays of its code, the newest 100 first."""

    displays: list[Display]


class CodeReply(ApiModel):
    """The member's code; an institution sends it as `e_credential` until it expires."""

    link_id: str
    code: str
    expires_at: str
    position: int


SIDES = ("guardian", "member")
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
    the agency of the member's region reviews the evidence. The answer is the same whether the
    person exists or not.
    """
    check_named(change.caller, body.guardian, "guardian")
    asked = change.request("credential-links", body)
    reply = await opening.open_link(change.context, asked, _opening_of(body))
    return await answer_with_numbers(change, reply, SIDES, sent={"member": body.member})


@router.get("", response_model=LinksReply, responses=problems(404, 422))
async def list_links(
    api: ApiOf,
    caller: CallerOf,
    page: PageOf,
    person_no: Annotated[
        str | None, Query(max_length=40, description="whose, for an agency or an auditor")
    ] = None,
) -> Response:
    """The links in which the caller is guardian or member, newest first."""
    if person_no is None and caller.role in {Role.AGENCY, Role.AUDITOR}:
        errors = [{"field": "person_no", "code": "QUERY_INVALID"}]
        raise ProblemError("QUERY_INVALID", errors=errors)
    return page_answer(
        await queries.links_of(api.context, api.read_models, caller, person_no, page)
    )


@router.get("/{link_id}", response_model=LinkWithDisplaysReply, responses=problems(404))
async def look_at_link(api: ApiOf, caller: CallerOf, link_id: str) -> Response:
    """A link, and when its code was shown and used (its sides, their agencies, auditors)."""
    stream = stream_of("lnk", link_id)
    reply = await queries.look_at_link(api.context, caller, stream)
    displays = {"displays": await queries.displays_of(api.context, api.read_models, stream)}
    numbers = await numbers_in(api.context, reply.answer, SIDES)
    return answer_read(reply, lambda link: link | numbers | displays)


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
    reply = await confirmation.confirm_link(change.context, asked, stream)
    return await answer_with_numbers(change, reply, SIDES)


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
    return await answer_with_numbers(change, reply, SIDES)


@router.post(
    "/{link_id}/activation",
    status_code=201,
    response_model=LinkReply,
    responses=problems(403, 404, 409, 422),
)
async def activate_link(change: ChangeOf, link_id: str, body: ActivationBody) -> Response:
    """Take a minor's link into use, once approved (the guardian, or his agency).

    Where a verifier of identity checks is set up, the guardian sends `identity_check`, a face
    check of himself that was not used before. An agency may send the guardian's. A check that is
    missing, unconfirmed, another person's or used is `EVIDENCE_INVALID`, and nothing changes.
    """
    stream = stream_of("lnk", link_id)
    asked = change.request(f"credential-links/{stream}/activation", body)
    shown = body.identity_check
    check = None
    if shown is not None:
        check = activation.ShownCheck(LinkEvidence(shown.kind.upper()), shown.reference)
    reply = await activation.activate_link(change.context, asked, stream, check)
    return await answer_with_numbers(change, reply, SIDES)


@router.post(
    "/{link_id}/codes",
    status_code=201,
    response_model=CodeReply,
    responses=problems(404, 409),
)
async def show_member_code(change: ChangeOf, link_id: str, body: NothingBody) -> Response:
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
    return await answer_with_numbers(change, reply, SIDES)


def _opening_of(body: LinkBody) -> opening.OpenLink:
    """The service's command for a body."""
    return opening.OpenLink(
        guardian=body.guardian,
        member=body.member,
        relation=Relation(body.relation.upper()),
        evidence=LinkEvidence(body.evidence.kind.upper()),
        reference=body.evidence.reference,
    )
