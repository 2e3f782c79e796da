"""Bindings: invite, confirm, decline, change, release, list and look up."""

from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Response

from aggregates.vocabulary import KinshipEvidence, Relation, Use
from api.binding.consent_routes import BindingWithConsentsReply
from api.binding.person_numbers import check_named
from api.binding.requests import (
    BindingBody,
    CapsBody,
    ConfirmationBody,
    DocumentReviewBody,
    EvidenceBody,
    GrantBody,
    IdCardBody,
)
from api.binding.responses import BindingReply, BindingsReply
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    PageOf,
    answer_read,
    page_answer,
)
from api.http.fields import NothingBody, ReasonBody, maybe_fen
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service.binding import bindings, consents, naming, queries, review
from service.binding.bindings import Caps, CapsChange
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.lookup import IdCard

INVITED_BY_CARD: dict[str, Any] = {
    "model": BindingReply,
    "description": "Invited by ID number and name, whether there is such a person or not",
}
router = APIRouter(prefix="/v1/bindings", tags=["bindings"], route_class=StrictBodyRoute)


@router.post(
    "",
    status_code=201,
    response_model=BindingReply,
    responses={202: INVITED_BY_CARD, **problems(404, 409, 422)},
)
async def invite_beneficiary(change: ChangeOf, body: BindingBody) -> Response:
    """Offer a family member the use of one's account (the sponsor, or his agency).

    Who names the beneficiary by ID number and name gets 202 and no person number; the answer is
    the same whether there is such a person or not. A document waits as `in_review` for the
    agency of the sponsor's region, where the region says so.
    """
    check_named(change.caller, body.sponsor, "sponsor")
    reply = await bindings.invite(
        change.context, change.request("bindings", body), invitation_of(body)
    )
    named = None if isinstance(body.beneficiary, IdCardBody) else body.beneficiary
    sent = {"beneficiary": named}
    return await _answered(change, reply, 202 if named is None else 201, sent)


def _filter(
    status: Annotated[
        str | None, Query(pattern="^(in_review|invited|active|declined|expired|released|ended)$")
    ] = None,
    person_no: Annotated[
        str | None, Query(max_length=40, description="whose: a child's, or of the region")
    ] = None,
) -> queries.BindingsQuery:
    return queries.BindingsQuery(status, person_no)


@router.get("", response_model=BindingsReply, responses=problems(404, 422))
async def list_bindings(
    api: ApiOf,
    caller: CallerOf,
    page: PageOf,
    query: Annotated[queries.BindingsQuery, Depends(_filter)],
) -> Response:
    """The caller's bindings on either side, newest first."""
    return page_answer(await queries.bindings(api.context, api.read_models, caller, query, page))


@router.get("/{binding_id}", response_model=BindingWithConsentsReply, responses=problems(404))
async def look_at_binding(api: ApiOf, caller: CallerOf, binding_id: str) -> Response:
    """A binding as of the log's end (its two sides, their agencies, auditors)."""
    stream = stream_of("bnd", binding_id)
    reply = await bindings.look_at_binding(api.context, caller, stream)
    given = {"consents": await consents.consents_of(api.context, stream)}
    persons = await naming.with_persons(api.context, caller, reply.answer)
    return answer_read(reply, lambda binding: binding | persons | given)


@router.post(
    "/{binding_id}/confirmation",
    status_code=201,
    response_model=BindingReply,
    responses=problems(404, 409, 422),
)
async def confirm_binding(change: ChangeOf, binding_id: str, body: ConfirmationBody) -> Response:
    """Agree to an invitation (the beneficiary, or his agency).

    Where the region asks for the order at the second sponsor, the answer warns until it is set.
    """
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/confirmation", body)
    reply = await bindings.confirm(change.context, asked, stream, body.consent, body.order)
    return await _answered(change, reply)


@router.post(
    "/{binding_id}/review",
    status_code=201,
    response_model=BindingReply,
    responses=problems(403, 404, 409, 422),
)
async def review_document(change: ChangeOf, binding_id: str, body: DocumentReviewBody) -> Response:
    """Approve or reject the document that a binding rests on (the agency of the sponsor's region).

    `GET /v1/bindings?status=in_review` is the queue. A document that nobody reviewed by the end
    of `review_until` lapses: the binding is `expired`.
    """
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/review", body)
    command = review.ReviewDocument(is_approved=body.decision == "approve", reason=body.reason)
    reply = await review.review(change.context, asked, stream, command)
    return await _answered(change, reply)


@router.post(
    "/{binding_id}/decline",
    status_code=201,
    response_model=BindingReply,
    responses=problems(404, 409),
)
async def decline_binding(change: ChangeOf, binding_id: str, body: NothingBody) -> Response:
    """Say no to an invitation (the beneficiary, or his agency)."""
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/decline", body)
    reply = await bindings.decline(change.context, asked, stream)
    return await _answered(change, reply)


@router.post(
    "/{binding_id}/release",
    status_code=201,
    response_model=BindingReply,
    responses=problems(403, 404, 409),
)
async def release_binding(change: ChangeOf, binding_id: str, body: ReasonBody) -> Response:
    """Take a grant back (either side, as far as the region lets him)."""
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/release", body)
    reply = await bindings.release(change.context, asked, stream, body.reason)
    return await _answered(change, reply)


@router.patch(
    "/{binding_id}",
    response_model=BindingReply,
    responses=problems(403, 404, 409),
)
async def change_grant(change: ChangeOf, binding_id: str, body: GrantBody) -> Response:
    """Change what is granted (the sponsor, or his agency).

    Members and caps that are not sent stay unchanged. A cap of null is removed; null for `caps`
    removes all four, and null for `valid_until` grants until released.
    """
    stream = stream_of("bnd", binding_id)
    sent = ",".join(_sent_members(body))
    asked = change.request(f"bindings/{stream}/grant/{sent}", body, needs_key=False)
    reply = await bindings.change(change.context, asked, stream, _change_of(body))
    return await _answered(change, reply, 200)


async def _answered(
    change: Change, reply: Reply, status: int = 201, sent: dict[str, str | None] | None = None
) -> Response:
    """Answer a change with numbers and names; `sent` are numbers to answer as they were sent."""
    if reply.refusal is not None:
        return change.answer(reply, status)
    persons = await naming.with_persons(
        change.context, change.caller, reply.answer, names_invited=sent is None
    )
    return change.answer(reply, status, lambda binding: binding | persons | (sent or {}))


def invitation_of(body: BindingBody) -> bindings.Invite:
    """The service's command for a body."""
    named = body.beneficiary
    return bindings.Invite(
        sponsor=body.sponsor,
        beneficiary=named if isinstance(named, str) else IdCard(named.value, named.name),
        evidence=_evidence_of(body.evidence),
        consent=body.consent,
        offer=bindings.Offer(
            relation=Relation(body.relation.upper()),
            uses=tuple(Use(use) for use in body.uses),
            caps=caps_of(body.caps),
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            rank=body.rank,
        ),
    )


def _evidence_of(body: EvidenceBody | None) -> tuple[KinshipEvidence | None, str | None]:
    if body is None:
        return None, None
    return KinshipEvidence(body.kind.upper()), body.reference


def caps_of(body: CapsBody) -> Caps:
    """Caps in fen."""
    return Caps(
        per_settlement_fen=maybe_fen(body.per_settlement),
        per_day_fen=maybe_fen(body.per_day),
        per_month_fen=maybe_fen(body.per_month),
        per_year_fen=maybe_fen(body.per_year),
        quota_fen=maybe_fen(body.total),
    )


def _change_of(body: GrantBody) -> bindings.GrantUpdate:
    sent = body.model_fields_set

    def valid_until(before: date | None) -> date | None:
        return body.valid_until if "valid_until" in sent else before

    uses = None if body.uses is None else tuple(Use(use) for use in body.uses)
    return bindings.GrantUpdate(uses=uses, caps=_caps_change_of(body), valid_until=valid_until)


def _caps_change_of(body: GrantBody) -> CapsChange:
    """The caps that were sent, in fen; all of them where `caps` itself is null."""
    if "caps" not in body.model_fields_set:
        return CapsChange()
    caps = body.caps or CapsBody()
    sent = CapsBody.model_fields if body.caps is None else body.caps.model_fields_set
    names = {name: "quota_fen" if name == "total" else f"{name}_fen" for name in sent}
    return cast("CapsChange", {names[name]: maybe_fen(getattr(caps, name)) for name in sent})


def _sent_members(body: GrantBody) -> list[str]:
    """The members sent, and the caps that are null, which a digest leaves out."""
    caps = body.caps or CapsBody()
    removed = [f"caps.{name}" for name in caps.model_fields_set if getattr(caps, name) is None]
    everything = ["caps=null"] if "caps" in body.model_fields_set and body.caps is None else []
    return sorted([*body.model_fields_set, *removed, *everything])
