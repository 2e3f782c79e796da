"""Routes of accounts, and of the deduction order."""

from typing import Any

from fastapi import APIRouter, Response

from aggregates.vocabulary import Bucket, CredentialType, Insurance
from api.account.requests import (
    AccountBody,
    CredentialBody,
    CredentialWithdrawalBody,
    CreditBody,
    FlagsBody,
    PayOutBody,
    StatusBody,
)
from api.account.responses import AccountReply, AuthoriserCodeReply
from api.binding.requests import OrderBody
from api.binding.responses import OrderReply
from api.http.dependencies import ApiOf, CallerOf, ChangeOf, Render, answer_read
from api.http.fields import NothingBody, fen
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service import UnknownError
from service.account import accounts, authoriser_codes, credentials, suspense
from service.binding import deduction_order
from service.context import ServiceContext
from service.ids import stream_of
from service.person.masking import persons_of
from service.vault import Personal

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictBodyRoute)


@router.post("", status_code=201, response_model=AccountReply, responses=problems(403, 409, 422))
async def open_account(change: ChangeOf, body: AccountBody) -> Response:
    """Open the account of an insured person (agency)."""
    reply = await accounts.open_account(
        change.context, change.request("accounts", body), opening_of(body)
    )
    return change.answer(reply, render=_of_person(body.person_no))


@router.get("/{person_no}", response_model=AccountReply, responses=problems(404))
async def look_at_account(api: ApiOf, caller: CallerOf, person_no: str) -> Response:
    """An account as of now (its owner, its agency, auditors)."""
    reply = await accounts.look_at_account(api.context, caller, person_no)
    return answer_read(reply, _of_person(person_no))


@router.post(
    "/{person_no}/credits",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
)
async def credit_account(change: ChangeOf, person_no: str, body: CreditBody) -> Response:
    """Credit an account (agency)."""
    reply = await accounts.credit(
        change.context,
        change.request(f"accounts/{person_no}/credits", body),
        crediting_of(person_no, body),
    )
    return change.answer(reply, render=_of_person(person_no))


@router.post(
    "/{person_no}/status",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
)
async def change_status(change: ChangeOf, person_no: str, body: StatusBody) -> Response:
    """Freeze, unfreeze, suspend, resume or end an account (agency)."""
    reply = await accounts.change_status(
        change.context,
        change.request(f"accounts/{person_no}/status", body),
        accounts.ChangeStatus(
            person_no=person_no,
            status=body.status.upper(),
            reason=body.reason,
            effective_on=body.effective_on,
            successor=body.successor,
        ),
    )
    return change.answer(reply, render=_of_person(person_no))


@router.put("/{person_no}/flags", response_model=AccountReply, responses=problems(404, 409, 422))
async def change_flags(change: ChangeOf, person_no: str, body: FlagsBody) -> Response:
    """Set the marks on a person, such as a chronic-disease registration (agency).

    Bindings that the sponsor's region excludes by these marks end.
    """
    request = change.request(f"accounts/{person_no}/flags", body, needs_key=False)
    reply = await accounts.change_flags(change.context, request, flagging_of(person_no, body))
    return change.answer(reply, 200, _of_person(person_no))


@router.post(
    "/{person_no}/suspense/{ticket}/payout",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 422),
)
async def pay_out_suspense(
    change: ChangeOf, person_no: str, ticket: str, body: PayOutBody
) -> Response:
    """Record that the money kept aside under a ticket was paid out (agency); once."""
    stream = stream_of("tkt", ticket)
    reply = await suspense.pay_out(
        change.context,
        change.request(f"accounts/{person_no}/suspense/{stream}/payout", body),
        suspense.PayOut(person_no=person_no, ticket=stream, reference=body.reference),
    )
    return change.answer(reply, render=_of_person(person_no))


@router.post(
    "/{person_no}/credentials",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
)
async def add_credential(change: ChangeOf, person_no: str, body: CredentialBody) -> Response:
    """Record that a person holds a social card or an e-credential (agency)."""
    reply = await credentials.add_credential(
        change.context,
        change.request(f"accounts/{person_no}/credentials", body),
        credential_of(person_no, body),
    )
    return change.answer(reply, render=_of_person(person_no))


@router.post(
    "/{person_no}/credentials/withdrawal",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 422),
)
async def withdraw_credential(
    change: ChangeOf, person_no: str, body: CredentialWithdrawalBody
) -> Response:
    """Record that a person holds a credential no more, such as a lost card (agency)."""
    reply = await credentials.withdraw_credential(
        change.context,
        change.request(f"accounts/{person_no}/credentials/withdrawal", body),
        credential_of(person_no, body, body.reason),
    )
    return change.answer(reply, render=_of_person(person_no))


@router.get("/{person_no}/deduction-order", response_model=OrderReply, responses=problems(404))
async def look_at_deduction_order(api: ApiOf, caller: CallerOf, person_no: str) -> Response:
    """The order in which today's sponsors pay; those bound after it was set pay last.

    Its version changes whenever a sponsor comes or goes, also when a binding expires.
    """
    reply = await deduction_order.look_at_order(api.context, caller, person_no)
    return answer_read(reply, await _with_sponsors(api.context, reply.answer))


@router.put(
    "/{person_no}/deduction-order",
    response_model=OrderReply,
    responses=problems(400, 403, 404, 409),
)
async def change_deduction_order(change: ChangeOf, person_no: str, body: OrderBody) -> Response:
    """Set the deduction order (the beneficiary, or whom the region lets set it).

    Where the sponsors set it, a sponsor moves only himself: he may name only himself, and in `rank`
    the place where he pays, 1 first.
    """
    request = change.request(f"accounts/{person_no}/deduction-order", body, needs_key=False)
    reply = await deduction_order.change_order(
        change.context, request, person_no, body.sponsors, body.version, body.rank
    )
    render = None if reply.refusal else await _with_sponsors(change.context, reply.answer)
    return change.answer(reply, 200, render)


@router.post(
    "/{person_no}/codes",
    status_code=201,
    response_model=AuthoriserCodeReply,
    responses=problems(403, 404, 409),
)
async def show_own_code(change: ChangeOf, person_no: str, body: NothingBody) -> Response:
    """Show a code that opens the person's own account for a relative's bill (the sponsor)."""
    if change.caller.subject != person_no:
        raise UnknownError
    request = change.request(f"accounts/{person_no}/codes", body)
    return change.answer(await authoriser_codes.show_authoriser_code(change.context, request))


def opening_of(body: AccountBody) -> accounts.OpenAccount:
    """The command of an opening."""
    return accounts.OpenAccount(
        personal=Personal(body.person_no, body.name, body.cert_no),
        insurance=Insurance(body.insurance),
        region=body.region,
        status=body.status.upper(),
        flags=tuple(flag.upper() for flag in body.flags),
        credentials=tuple(
            (CredentialType(held.type.upper()), held.value) for held in body.credentials or ()
        ),
    )


def credential_of(
    person_no: str, body: CredentialBody, reason: str = ""
) -> credentials.CredentialOf:
    """The command of a credential."""
    return credentials.CredentialOf(
        person_no=person_no,
        kind=CredentialType(body.type.upper()),
        value=body.value,
        reason=reason,
    )


def flagging_of(person_no: str, body: FlagsBody) -> accounts.ChangeFlags:
    """The command of new marks."""
    flags = tuple(flag.upper() for flag in body.flags)
    return accounts.ChangeFlags(person_no=person_no, flags=flags, reason=body.reason)


def crediting_of(person_no: str, body: CreditBody) -> accounts.CreditAccount:
    """The command of a credit."""
    return accounts.CreditAccount(
        person_no=person_no,
        amount_fen=fen(body.amount),
        bucket=Bucket(body.bucket),
        reference=body.reference,
    )


def _of_person(person_no: str) -> Render:
    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return {"person_no": person_no} | answer

    return render


async def _with_sponsors(context: ServiceContext, answer: bytes) -> Render:
    sponsors = deduction_order.sponsors_in(answer)
    persons = await persons_of(context, sponsors)
    numbers = {stream: person and person.person_no for stream, person in persons.items()}

    def render(order: dict[str, Any]) -> dict[str, Any]:
        if order["sponsors"] is None:
            return order
        return order | {"sponsors": [numbers.get(stream) for stream in order["sponsors"]]}

    return render
