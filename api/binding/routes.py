"""Bindings: invite, confirm, decline, change, release, and look."""

from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Response

from aggregates.vocabulary import KinshipEvidence, Relation, Use
from api.binding.consent_routes import BindingWithConsentsReply
from api.binding.requests import BindingBody, CapsBody, ConfirmationBody, EvidenceBody, GrantBody
from api.binding.responses import BindingReply, BindingsReply
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    Render,
    answer_read,
    page_answer,
)
from api.http.fields import NUMBER_MAX, NothingBody, ReasonBody, maybe_fen
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.strict_body import StrictBodyRoute
from service.binding import bindings, consents
from service.binding import queries as service_binding_queries
from service.binding.bindings import Caps, CapsChange
from service.caller import Role
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.read_models import reader as lists

router = APIRouter(prefix="/v1/bindings", tags=["bindings"], route_class=StrictBodyRoute)


@router.post(
    "",
    status_code=201,
    response_model=BindingReply,
    responses=problems(404, 409, 422),
)
async def invite(change: ChangeOf, body: BindingBody) -> Response:
    """Offer a family member the use of one's account (the sponsor, or his agency)."""
    if change.caller.role is Role.AGENCY and body.sponsor is None:
        raise ProblemError(
            "FIELD_REQUIRED", errors=[{"field": "sponsor", "code": "FIELD_REQUIRED"}]
        )
    reply = await bindings.invite(
        change.context, change.request("bindings", body), invitation_of(body)
    )
    return await _answered(change, reply, beneficiary=body.beneficiary)


def _sought(
    status: Annotated[
        str | None, Query(pattern="^(invited|active|declined|expired|released|ended)$")
    ] = None,
    person_no: Annotated[
        str | None, Query(max_length=40, description="whose: a child's, or of the region")
    ] = None,
) -> service_binding_queries.BindingsQuery:
    return service_binding_queries.BindingsQuery(status, person_no)


SoughtOf = Annotated[service_binding_queries.BindingsQuery, Depends(_sought)]


@router.get("", response_model=BindingsReply, responses=problems(404, 422))
async def list_bindings(
    api: ApiOf,
    caller: CallerOf,
    sought: SoughtOf,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
) -> Response:
    """The caller's bindings on either side, newest first."""
    asked = lists.PageRequest(cursor, limit, min_position)
    return page_answer(
        await service_binding_queries.bindings(api.context, api.read_models, caller, sought, asked)
    )


@router.get("/{binding_id}", response_model=BindingWithConsentsReply, responses=problems(404))
async def look_at_binding(api: ApiOf, caller: CallerOf, binding_id: str) -> Response:
    """A binding as the log has it now (its two sides, their agencies, auditors)."""
    stream = stream_of("bnd", binding_id)
    reply = await bindings.look_at_binding(api.context, caller, stream)
    given = await consents.consents_of(api.context, stream)
    with_persons = await _with_persons(api.context, reply.answer)
    return answer_read(reply, lambda binding: with_persons(binding) | {"consents": given})


@router.post(
    "/{binding_id}/confirmation",
    status_code=201,
    response_model=BindingReply,
    responses=problems(404, 409, 422),
)
async def confirm(change: ChangeOf, binding_id: str, body: ConfirmationBody) -> Response:
    """Agree to an invitation (the beneficiary, or his agency)."""
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/confirmation", body)
    reply = await bindings.confirm(change.context, asked, stream, body.consent)
    return await _answered(change, reply)


@router.post(
    "/{binding_id}/decline",
    status_code=201,
    response_model=BindingReply,
    responses=problems(404, 409),
)
async def decline(change: ChangeOf, binding_id: str, body: NothingBody) -> Response:
    """Say no to an invitation (the beneficiary, or his agency)."""
    stream = stream_of("bnd", binding_id)
    asked = change.request(f"bindings/{stream}/decline", body)
    return await _answered(change, await bindings.decline(change.context, asked, stream))


@router.post(
    "/{binding_id}/release",
    status_code=201,
    response_model=BindingReply,
    responses=problems(403, 404, 409),
)
async def release(change: ChangeOf, binding_id: str, body: ReasonBody) -> Response:
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

    What is not sent stays as it is, each cap for itself. A cap of null is removed; null for
    `caps` removes all four, and null for `valid_until` grants until released.
    """
    stream = stream_of("bnd", binding_id)
    sent = ",".join(_sent_members(body))
    asked = change.request(f"bindings/{stream}/grant/{sent}", body, needs_key=False)
    reply = await bindings.change(change.context, asked, stream, _change_of(body))
    return await _answered(change, reply, 200)


def invitation_of(body: BindingBody) -> bindings.Invite:
    """An invitation as the service takes it."""
    return bindings.Invite(
        sponsor=body.sponsor,
        beneficiary=body.beneficiary,
        evidence=_evidence_of(body.evidence),
        consent=body.consent,
        offer=bindings.Offer(
            relation=Relation(body.relation.upper()),
            uses=tuple(Use(use) for use in body.uses),
            caps=caps_of(body.caps),
            valid_from=body.valid_from,
            valid_until=body.valid_until,
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
    return cast("CapsChange", {f"{name}_fen": maybe_fen(getattr(caps, name)) for name in sent})


def _sent_members(body: GrantBody) -> list[str]:
    """The members of a change, and the caps in it that are null; a digest leaves null out."""
    caps = body.caps or CapsBody()
    removed = [f"caps.{name}" for name in caps.model_fields_set if getattr(caps, name) is None]
    everything = ["caps=null"] if "caps" in body.model_fields_set and body.caps is None else []
    return sorted([*body.model_fields_set, *removed, *everything])


async def _answered(
    change: Change,
    reply: Reply,
    status: int = 201,
    beneficiary: str | None = None,
) -> Response:
    """A binding's answer; `beneficiary` is the number that the caller himself wrote."""
    if reply.refusal:
        return change.answer(reply, status)
    with_persons = await _with_persons(change.context, reply.answer)

    def render(binding: dict[str, Any]) -> dict[str, Any]:
        told = with_persons(binding)
        return told if beneficiary is None else told | {"beneficiary": beneficiary}

    return change.answer(reply, status, render)


async def _with_persons(context: ServiceContext, answer: bytes) -> Render:
    sponsor, beneficiary = bindings.parties_in(answer)
    sides = (sponsor,) if beneficiary is None else (sponsor, beneficiary)
    persons = await persons_of(context, sides)
    numbers = {stream: person and person.person_no for stream, person in persons.items()}

    def render(binding: dict[str, Any]) -> dict[str, Any]:
        return binding | {side: numbers.get(binding[side]) for side in ("sponsor", "beneficiary")}

    return render
