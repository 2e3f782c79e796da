"""Credential links (亲情账户): a guardian shows a member's code, and nothing is paid thereby.

A guardian's links are counted by unique names, one per slot, so that a sixth one finds no name
to take however many ask at once; a pair's name keeps one live link between two.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates import credential_link as rules
from aggregates.account.state import Account
from aggregates.credential_link import SLOTS, CodeShown, Held, Link, LinkEvent
from aggregates.vocabulary import Instant, LinkEvidence, LinkStatus, Relation, StreamId
from projections import credential_link as link_views
from projections.credential_link import LinkRow
from service.binding.kinship import traits_of
from service.binding.parties import Sides, acting_side, check_is, party
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import House
from service.ledger.codec import Recorded
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.lookup import account_of, find_person
from service.person.masking import persons_of
from service.read_models.reader import Asked, Listed, Shelf, reach
from service.serializers import link_answer, moment
from service.settlement.claims import E_CREDENTIAL
from service.vault import Keys

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """A guardian's wish, by person numbers; without a guardian it is the caller himself."""

    guardian: str | None
    member: str
    relation: Relation
    evidence: LinkEvidence
    reference: str


async def open_link(house: House, request: Request, command: OpenLink) -> Reply:
    """Link a guardian to a member whose identity he proves; usable at once (R212).

    Raises:
        UnknownError: one of them has no account here, or the guardian is not the caller's; the
        refusals of `aggregates.link.open_link`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        guardian = party(view, keys, request.caller, command.guardian)
        member = find_person(view, keys, command.member)
        asked = rules.Asked(
            guardian=guardian,
            member=member,
            relation=command.relation,
            evidence=command.evidence,
            reference=command.reference,
            born_on=traits_of(view, keys, member).born_on,
        )
        accounts = view.account(guardian), view.account(member)
        opened = rules.open_link(asked, accounts, _held(view, keys, guardian, member), now)
        link_id = new_stream("lnk", now.at)
        decision = _answered(link_id, None, 0, opened)
        decision.takes = dict.fromkeys(_names(keys, rules.evolve(None, opened)), link_id)
        decision.on_behalf_of = guardian if request.caller.role is Role.AGENCY else None
        return decision

    return await house.do(request, decide)


async def show_code(house: House, request: Request, link_id: StreamId) -> Reply:
    """Show the member's code once (the guardian, or his agency); it holds for a quarter hour.

    The code is made of the ledger's key and of this request's name, so a repeat makes the same
    one again, and what is stored holds its keyed digest alone.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the guardian's to
        do; the refusals of `aggregates.link.show_code`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    keys = house.keys
    token = keys.token(f"{link_id}\0{request.caller.name}\0{request.key}")
    name = keys.name(E_CREDENTIAL, token)

    def decide(view: View, now: Instant) -> Decision:
        link = view.link(link_id)
        sides = Sides(link.guardian, link.member)
        for_whom = check_is(view, keys, request.caller, (link.guardian, sides), now)
        shown = rules.show_code(link, accounts_of(view, link), name.hex(), now)
        answer = {"link_id": link_id, "expires_at": moment(shown.expires_at)}
        return Decision(
            answer=json.encode(answer),
            events=[(link_id, shown)],
            takes={name: link_id},
            on_behalf_of=for_whom,
        )

    reply = await house.do(request, decide)
    if reply.refusal is not None:
        return reply
    return reply._replace(answer=json.encode(json.decode(reply.answer) | {"code": token}))


async def close_link(house: House, request: Request, link_id: StreamId, reason: str) -> Reply:
    """Close a link (either side, a minor member's parent, or an agency); its codes end with it.

    Raises:
        UnknownError: no such link, or not the caller's; LinkClosedError: it is closed; the rest
        as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        link = view.link(link_id)
        sides = Sides(link.guardian, link.member)
        acting = acting_side(view, keys, request.caller, sides, now)
        closed = rules.close(link, by=acting.side, reason=reason, now=now)
        decision = _answered(link_id, link, view.version(link_id), closed)
        decision.frees = set(_names(keys, link))
        decision.on_behalf_of = acting.on_behalf_of
        return decision

    return await house.do(request, decide)


def sides_in(answer: bytes) -> tuple[StreamId, StreamId]:
    """The account ids of both sides in a link's answer."""
    link = json.decode(answer)
    return link["guardian"], link["member"]


def _answered(link_id: StreamId, link: Link | None, version: int, event: LinkEvent) -> Decision:
    """The link as it is after this event."""
    answer = link_answer(link_id, rules.evolve(link, event), version + 1)
    return Decision(answer=json.encode(answer), events=[(link_id, event)])


def link_between(view: View, keys: Keys, guardian: StreamId, member: StreamId) -> StreamId | None:
    """The live link by which one shows the other's code; None where there is none."""
    return view.find(_pair_name(keys, guardian, member))


def accounts_of(view: View, link: Link) -> tuple[Account, Account]:
    """The guardian's and the member's."""
    return view.account(link.guardian), view.account(link.member)


def _held(view: View, keys: Keys, guardian: StreamId, member: StreamId) -> Held:
    used = [slot for slot in SLOTS if view.find(_slot_name(keys, guardian, slot)) is not None]
    return Held(link_between(view, keys, guardian, member), used)


def _names(keys: Keys, link: Link) -> tuple[bytes, bytes]:
    """The unique names that a live link has."""
    pair = _pair_name(keys, link.guardian, link.member)
    return _slot_name(keys, link.guardian, link.slot), pair


def _slot_name(keys: Keys, guardian: StreamId, slot: int) -> bytes:
    return keys.name("link", f"{guardian}\0{slot}")


def _pair_name(keys: Keys, guardian: StreamId, member: StreamId) -> bytes:
    return keys.name("link_pair", f"{guardian}\0{member}")
