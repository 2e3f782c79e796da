"""Look at links: one, its displays, and the links of a person."""

from typing import Any

from aggregates.credential_link.events import CodeShown
from aggregates.vocabulary import Instant, StreamId
from projections import credential_link as link_views
from service.binding.parties import check_sees
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.credential_link.inputs import read_link, sides_of
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import traits_in
from service.person.lookup import account_of
from service.person.masking import persons_of
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.serializers import link_answer, moment

DISPLAYS_MAX = 100
"""Displays shown with a link, the newest first; the event feed has all."""
NOW = PageRequest(cursor=None, limit=DISPLAYS_MAX, min_position=None)


async def look_at_link(context: ServiceContext, caller: Caller, link_id: StreamId) -> Reply:
    """A link as of the log's end: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        inputs = read_link(reads, context.vault, caller, link_id, now)
        check_sees(reads, context.vault, caller, sides_of(inputs.link), now)
        return Decision(answer=inputs.answer())

    return await context.ask(caller, decide)


async def displays_of(
    context: ServiceContext, read_models: ReadModels, link_id: StreamId
) -> list[dict[str, Any]]:
    """When and by which channel a link's code was shown, and what was settled with it.

    Displays are read from the log, settlements from their read model, which follows it.
    """
    history = await context.store.history(link_id)
    displays = [
        (recorded.act.channel, recorded.event)
        for recorded in reversed(history)
        if isinstance(recorded.event, CodeShown)
    ][:DISPLAYS_MAX]
    await reach(context, read_models, NOW, link_views.TABLE)
    codes = [event.code for _, event in displays]
    uses = await link_views.uses_of(read_models.pool, codes) if codes else {}
    return [
        {
            "shown_at": moment(event.shown_at),
            "expires_at": moment(event.expires_at),
            "channel": channel,
            "settlements": uses.get(event.code, []),
        }
        for channel, event in displays
    ]


async def links_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str | None,
    page_request: PageRequest,
) -> PageResult:
    """The links in which a person is guardian or member, newest first.

    `person_no` names the person for an agency or an auditor; persons see their own.

    Raises:
        UnknownError: no such person, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)
    own = caller.subject if caller.role is Role.PERSON else ""
    account_id = await account_of(context, caller, own if person_no is None else person_no)
    position = await reach(context, read_models, page_request, link_views.TABLE)
    page = await link_views.of_party(
        read_models.pool, account_id, page_request.cursor, page_request.limit
    )
    persons = await persons_of(
        context, [side for row in page.rows for side in (row.guardian, row.member)]
    )
    on = context.clock().on
    items: list[dict[str, Any]] = []
    for row in page.rows:
        guardian, member = persons.get(row.guardian), persons.get(row.member)
        names_member = caller.role is Role.AUDITOR or row.is_known or row.member == account_id
        link = row.folded()
        status = link.status_of(traits_in(member.cert_no).born_on if member else None, on)
        numbers = {
            "guardian": guardian and guardian.person_no,
            "member": member.person_no if member and names_member else None,
        }
        items.append(link_answer(row.link, link, status, row.version) | numbers)
    return PageResult(items, page.next, position)
