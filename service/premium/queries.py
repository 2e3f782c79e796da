"""Lists of premiums."""

from typing import Any

from aggregates.premium.premium import Premium
from projections import premium_party
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.person.lookup import account_of
from service.person.masking import persons_of
from service.premium.premiums import premium_answer
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.request_context import note


async def premiums_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str | None,
    page_request: PageRequest,
) -> PageResult:
    """The premiums that a person paid or that were paid for him, newest first.

    `person_no` names the person for an agency or an auditor; a person sees his own, and those of
    his minor child.

    Raises:
        UnknownError: no such person, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)
    own = caller.subject if caller.role is Role.PERSON else ""
    account_id = await account_of(context, caller, own if person_no is None else person_no)
    position = await reach(context, read_models, page_request, premium_party.TABLE)
    page = await premium_party.of_party(
        read_models.pool, account_id, page_request.cursor, page_request.limit
    )
    streams = [row.premium for row in page.rows]
    note(streams)
    heads = (await context.store.read(streams, ())).heads
    persons = await persons_of(context, [side for row in page.rows for side in row[2:]])
    numbers = {stream: person and person.person_no for stream, person in persons.items()}
    items: list[dict[str, Any]] = []
    for row in page.rows:
        head = heads[row.premium]
        assert isinstance(head.state, Premium), "the stream of a premium"
        sides = {"sponsor": numbers.get(row.sponsor), "payee": numbers.get(row.payee)}
        items.append(premium_answer(row.premium, head.state, head.version) | sides)
    return PageResult(items, page.next, position)
