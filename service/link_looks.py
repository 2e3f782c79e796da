"""Look at credential links: one with the displays of its codes, and a person's own."""

from typing import Any

from msgspec import json

from aggregates.credential_link import CodeShown
from aggregates.vocabulary import Instant, LinkStatus, StreamId
from projections import credential_link as link_views
from projections.credential_link import LinkRow
from service.answers import link_answer, moment
from service.caller import Caller, Role, check_role
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.rows import Recorded
from service.ledger.view import View
from service.lists import Asked, Listed, Shelf, account_of, reach
from service.parties import Sides, acting_side
from service.reveal import persons_of

DISPLAYS_MAX = 100
"""Displays told with a link, the newest first; the feed has all."""
NOW = Asked(cursor=None, limit=DISPLAYS_MAX, min_position=None)


async def look_at_link(house: House, caller: Caller, link_id: StreamId) -> Reply:
    """A link as the log has it now: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(view: View, now: Instant) -> Decision:
        link = view.link(link_id)
        if caller.role is not Role.AUDITOR:
            acting_side(view, house.keys, caller, Sides(link.guardian, link.member), now)
        return Decision(answer=json.encode(link_answer(link_id, link, view.version(link_id))))

    return await house.ask(caller, decide)


async def displays_of(house: House, shelf: Shelf, link_id: StreamId) -> list[dict[str, Any]]:
    """When and by which door a link's code was shown, and what was settled with it.

    The displays are the log's; the settlements follow it, as lists do.
    """
    history = await house.store.history(link_id)
    newest = [r for r in reversed(history) if isinstance(r.event, CodeShown)][:DISPLAYS_MAX]
    await reach(house, shelf, NOW)
    shown = [recorded.event.code for recorded in newest if isinstance(recorded.event, CodeShown)]
    uses = await link_views.uses_of(shelf.pool, shown)
    return [_display(recorded, uses) for recorded in newest]


def _display(recorded: Recorded, uses: dict[str, list[StreamId]]) -> dict[str, Any]:
    event = recorded.event
    assert isinstance(event, CodeShown), "only displays are told"
    return {
        "shown_at": moment(event.shown_at),
        "expires_at": moment(event.expires_at),
        "channel": recorded.act.channel,
        "settlements": uses.get(event.code, []),
    }


async def links_of(
    house: House, shelf: Shelf, caller: Caller, person_no: str | None, asked: Asked
) -> Listed:
    """The links in which a person is guardian or member, newest first.

    `person_no` names him for an agency or an auditor; a person sees his own.

    Raises:
        UnknownError: nobody, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)
    own = caller.subject if caller.role is Role.PERSON else ""
    account_id = await account_of(house, caller, own if person_no is None else person_no)
    position = await reach(house, shelf, asked)
    page = await link_views.of_party(shelf.pool, account_id, asked.cursor, asked.limit)
    sides = [side for row in page.rows for side in (row.guardian, row.member)]
    persons = await persons_of(house, sides)
    numbers = {stream: person and person.person_no for stream, person in persons.items()}
    return Listed([_link(row, numbers) for row in page.rows], page.next, position)


def _link(row: LinkRow, numbers: dict[StreamId, str | None]) -> dict[str, Any]:
    return {
        "link_id": row.link,
        "guardian": numbers.get(row.guardian),
        "member": numbers.get(row.member),
        "relation": row.relation.lower(),
        "status": LinkStatus.ACTIVE if row.closed_at is None else LinkStatus.CLOSED,
        "opened_at": moment(row.opened_at),
        "closed_at": None if row.closed_at is None else moment(row.closed_at),
        "version": row.version,
    }
