"""Accounts: open, credit, change status, look; the deduction order."""

from typing import Any

from fastapi import APIRouter, Request, Response

from aggregates.vocabulary import Bucket, Insurance
from api.account.requests import AccountBody, CreditBody, PayOutBody, StatusBody
from api.account.responses import AccountReply
from api.binding.requests import OrderBody
from api.binding.responses import OrderReply
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    KeyHeader,
    Render,
    answer_read,
    answer_written,
    digest_of,
    maybe_key,
    read_body,
    request_of,
)
from api.http.fields import fen
from api.http.openapi_helpers import body_of, problems
from service.account import accounts, suspense
from service.binding import deduction_order
from service.caller import Request as ServiceRequest
from service.context import ServiceContext
from service.ids import stream_of
from service.person.masking import persons_of
from service.vault import Personal

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])


@router.post(
    "",
    status_code=201,
    response_model=AccountReply,
    responses=problems(403, 409, 422),
    openapi_extra=body_of(
        AccountBody,
        {
            "person_no": "P1001",
            "name": "李华",
            "cert_no": "11010519491231002X",
            "insurance": "employee",
            "region": "990000",
        },
    ),
)
async def open_account(
    request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Open the account of an insured person (agency)."""
    body = await read_body(request, AccountBody)
    reply = await accounts.open_account(
        api.context, request_of(caller, key, "accounts", body), opening_of(body)
    )
    return answer_written(reply, request, render=_of_person(body.person_no))


@router.get("/{person_no}", response_model=AccountReply, responses=problems(404))
async def look_at_account(api: ApiOf, caller: CallerOf, person_no: str) -> Response:
    """An account as the log has it now (its owner, its agency, auditors)."""
    reply = await accounts.look_at_account(api.context, caller, person_no)
    return answer_read(reply, _of_person(person_no))


@router.post(
    "/{person_no}/credits",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(CreditBody, {"amount": "300.00", "bucket": "current"}),
)
async def credit(
    request: Request, api: ApiOf, caller: CallerOf, person_no: str, key: KeyHeader = None
) -> Response:
    """Bring money into an account (agency)."""
    body = await read_body(request, CreditBody)
    reply = await accounts.credit(
        api.context,
        request_of(caller, key, f"accounts/{person_no}/credits", body),
        crediting_of(person_no, body),
    )
    return answer_written(reply, request, render=_of_person(person_no))


@router.post(
    "/{person_no}/status",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(
        StatusBody,
        {"status": "suspended", "reason": "left the employer", "effective_on": "2026-03-01"},
    ),
)
async def change_status(
    request: Request, api: ApiOf, caller: CallerOf, person_no: str, key: KeyHeader = None
) -> Response:
    """Freeze, unfreeze, suspend, resume or end an account (agency)."""
    body = await read_body(request, StatusBody)
    reply = await accounts.change_status(
        api.context,
        request_of(caller, key, f"accounts/{person_no}/status", body),
        accounts.ChangeStatus(
            person_no=person_no,
            status=body.status.upper(),
            reason=body.reason,
            effective_on=body.effective_on,
            successor=body.successor,
        ),
    )
    return answer_written(reply, request, render=_of_person(person_no))


@router.post(
    "/{person_no}/suspense/{ticket}/payout",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 422),
    openapi_extra=body_of(PayOutBody, {"reference": "estate of P1001, voucher 2026-03/18"}),
)
async def pay_out(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    person_no: str,
    ticket: str,
    key: KeyHeader = None,
) -> Response:
    """Write down that what was kept aside under a ticket was paid out (agency); once."""
    body = await read_body(request, PayOutBody)
    stream = stream_of("tkt", ticket)
    reply = await suspense.pay_out(
        api.context,
        request_of(caller, key, f"accounts/{person_no}/suspense/{stream}/payout", body),
        suspense.PayOut(person_no=person_no, ticket=stream, reference=body.reference),
    )
    return answer_written(reply, request, render=_of_person(person_no))


@router.get("/{person_no}/deduction-order", response_model=OrderReply, responses=problems(404))
async def look_at_order(api: ApiOf, caller: CallerOf, person_no: str) -> Response:
    """The order in which the sponsors of today pay; who was bound after it was set stands last.

    Its version moves whenever a sponsor comes or goes, also by a grant that runs out.
    """
    reply = await deduction_order.look_at_order(api.context, caller, person_no)
    return answer_read(reply, await _with_sponsors(api.context, reply.answer))


@router.put(
    "/{person_no}/deduction-order",
    response_model=OrderReply,
    responses=problems(400, 403, 404, 409),
    openapi_extra=body_of(OrderBody, {"sponsors": ["P1002", "P1003"], "version": 0}),
)
async def change_order(
    request: Request, api: ApiOf, caller: CallerOf, person_no: str, key: KeyHeader = None
) -> Response:
    """Set the deduction order (the beneficiary, or whom his region says)."""
    body = await read_body(request, OrderBody)
    digest = digest_of(f"accounts/{person_no}/deduction-order", body)
    reply = await deduction_order.change_order(
        api.context,
        ServiceRequest(caller, maybe_key(key), digest, "http"),
        person_no,
        body.sponsors,
        body.version,
    )
    render = None if reply.refusal else await _with_sponsors(api.context, reply.answer)
    return answer_written(reply, request, 200, render)


def opening_of(body: AccountBody) -> accounts.OpenAccount:
    """An opening as the service takes it."""
    return accounts.OpenAccount(
        personal=Personal(body.person_no, body.name, body.cert_no),
        insurance=Insurance(body.insurance),
        region=body.region,
        status=body.status.upper(),
        flags=tuple(flag.upper() for flag in body.flags),
    )


def crediting_of(person_no: str, body: CreditBody) -> accounts.CreditAccount:
    """A credit as the service takes it."""
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
