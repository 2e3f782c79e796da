"""Person numbers in answers, in place of the account ids that the service writes."""

import json

from fastapi import Response

from api.http.dependencies import Change
from api.http.problems import ProblemError
from service.caller import Caller, Role
from service.context import ServiceContext
from service.ledger.command import Reply
from service.person.masking import persons_of

Numbers = dict[str, str | None]
"""Person numbers by member of an answer; null for an erased or undisclosed person."""


async def numbers_in(context: ServiceContext, answer: bytes, members: tuple[str, ...]) -> Numbers:
    """The person numbers of the account ids in these members of an answer."""
    written = json.loads(answer)
    persons = await persons_of(context, [written[name] for name in members if written[name]])
    found = {name: persons.get(written[name]) for name in members}
    return {name: person and person.person_no for name, person in found.items()}


async def answer_with_numbers(
    change: Change,
    reply: Reply,
    members: tuple[str, ...],
    status: int = 201,
    sent: Numbers | None = None,
) -> Response:
    """Answer a change with person numbers; those in `sent` are answered as the caller sent them."""
    if reply.refusal is not None:
        return change.answer(reply, status)
    numbers = await numbers_in(change.context, reply.answer, members) | (sent or {})
    return change.answer(reply, status, lambda answer: answer | numbers)


def check_named(caller: Caller, person_no: str | None, member: str) -> None:
    """Check that an agency names the person it acts for.

    Raises:
        ProblemError: FIELD_REQUIRED.
    """
    if caller.role is Role.AGENCY and person_no is None:
        raise ProblemError("FIELD_REQUIRED", errors=[{"field": member, "code": "FIELD_REQUIRED"}])
