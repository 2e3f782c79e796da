"""Credential links (亲情账户): a guardian shows a member's code, and nothing is paid thereby.

A guardian's links are counted by unique names, one per slot, so that a sixth one finds no name
to take however many ask at once; a pair's name keeps one live link between two.

A guardian whom the register does not know as a relative learns the same of everybody: his request
is recorded also where there is no such person, and his own view of it names nobody until the
member, a parent or an agency said yes.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec import json

from aggregates import credential_link as rules
from aggregates.account.state import Account
from aggregates.credential_link import SLOTS, CodeShown, ExistingLinks, Link, LinkEvent
from aggregates.refusals import UnknownError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, LinkEvidence, LinkStatus, Relation, StreamId
from projections import credential_link as link_views
from projections.credential_link import LinkRow
from service.adapters.identity_verifier import NOBODY
from service.binding.kinship import is_parent_of_minor, registered, traits_in, traits_of
from service.binding.parties import Parties, acting_side, check_is, is_of_agency, party
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import account_of, find_or_stand_in, find_person
from service.person.masking import persons_of
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.serializers import link_answer, moment
from service.settlement.claims import E_CREDENTIAL
from service.vault import Personal, Vault

DISPLAYS_MAX = 100
"""Displays told with a link, the newest first; the feed has all."""
NOW = PageRequest(cursor=None, limit=DISPLAYS_MAX, min_position=None)


async def look_at_link(context: ServiceContext, caller: Caller, link_id: StreamId) -> Reply:
    """A link as the log has it now: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        if caller.role is not Role.AUDITOR:
            acting_side(reads, context.vault, caller, Parties(link.guardian, link.member), now)
        return _answered(reads, context.vault, caller, link_id, (link, None), now)

    return await context.ask(caller, decide)


async def displays_of(
    context: ServiceContext, read_models: ReadModels, link_id: StreamId
) -> list[dict[str, Any]]:
    """When and by which door a link's code was shown, and what was settled with it.

    The displays are the log's; the settlements follow it, as lists do.
    """
    history = await context.store.history(link_id)
    newest = [r for r in reversed(history) if isinstance(r.event, CodeShown)][:DISPLAYS_MAX]
    await reach(context, read_models, NOW, link_views.TABLE)
    shown = [recorded.event.code for recorded in newest if isinstance(recorded.event, CodeShown)]
    uses = await link_views.uses_of(read_models.pool, shown) if shown else {}
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
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    person_no: str | None,
    asked: PageRequest,
) -> PageResult:
    """The links in which a person is guardian or member, newest first.

    `person_no` names him for an agency or an auditor; a person sees his own.

    Raises:
        UnknownError: nobody, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)
    own = caller.subject if caller.role is Role.PERSON else ""
    account_id = await account_of(context, caller, own if person_no is None else person_no)
    position = await reach(context, read_models, asked, link_views.TABLE)
    page = await link_views.of_party(read_models.pool, account_id, asked.cursor, asked.limit)
    sides = [side for row in page.rows for side in (row.guardian, row.member)]
    persons = await persons_of(context, sides)
    sees_all = caller.role is Role.AUDITOR
    on = context.clock().on
    items = [
        _link(row, persons, on, is_told=sees_all or row.is_known or row.member == account_id)
        for row in page.rows
    ]
    return PageResult(items, page.next, position)


def _link(
    row: LinkRow, persons: dict[StreamId, Personal | None], on: date, *, is_told: bool
) -> dict[str, Any]:
    guardian, member = persons.get(row.guardian), persons.get(row.member)
    born_on = traits_in(member.cert_no).born_on if member else None
    return {
        "link_id": row.link,
        "guardian": guardian and guardian.person_no,
        "member": member.person_no if member and is_told else None,
        "relation": row.relation.lower(),
        "status": row.folded().status_of(born_on, on),
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


async def open_link(context: ServiceContext, request: Request, command: OpenLink) -> Reply:
    """Ask to show a member's code; what the link waits for is in its status.

    Raises:
        UnknownError: the guardian has no account here, or is not the caller's; the refusals of
        `aggregates.credential_link.open_link`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault
    is_verified = await _verify(context, request.caller, command)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        guardian = party(reads, vault, request.caller, command.guardian)
        member = find_or_stand_in(reads, vault, guardian, command.member)
        accounts, tie, born_on = _known_between(reads, vault, guardian, member, now)
        asked = rules.LinkRequest(
            guardian=guardian,
            member=member,
            relation=command.relation,
            evidence=command.evidence,
            reference=command.reference,
            born_on=born_on,
            tie=tie._replace(is_verified=is_verified),
        )
        requested = rules.open_link(asked, accounts, _held(reads, vault, guardian, member), now)
        link_id = new_stream("lnk", now.at)
        decision = _answered(reads, vault, request.caller, link_id, (None, requested), now)
        decision.takes = dict.fromkeys(_names(vault, rules.evolve(None, requested)), link_id)
        decision.on_behalf_of = guardian if request.caller.role is Role.AGENCY else None
        return decision

    return await context.do(request, decide)


def _known_between(
    reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId, now: Instant
) -> tuple[tuple[Account, Account | None], rules.Tie, date | None]:
    """Both accounts, what the register says of the two, and when the member was born.

    The same is read of a member who is not there.
    """
    born_on = traits_of(reads, vault, member).born_on
    is_parent = is_parent_of_minor(reads, vault, guardian, member, now)
    is_kin = registered(reads, vault, guardian, member) is not None
    try:
        account = reads.account(member)
    except UnknownError:
        account = None
    return (reads.account(guardian), account), rules.Tie(is_kin, is_parent, None), born_on


async def _verify(context: ServiceContext, caller: Caller, command: OpenLink) -> bool | None:
    """Ask the verifier whether a face check is the member's; None where nobody tells.

    Nobody's is asked about as well: the answer takes as long, and is no.
    """
    if context.proofs is None or command.evidence is not LinkEvidence.FACE:
        return None
    if caller.role is Role.PERSON and command.guardian not in (None, caller.subject):
        raise UnknownError
    name = context.vault.name("person_no", command.member)
    account = (await context.store.read((), (name,))).names.get(name)
    found = await persons_of(context, () if account is None else (account,))
    person = next(iter(found.values()), None)
    holds = await context.proofs.holds(person or NOBODY, command.evidence, command.reference)
    return holds and person is not None


async def confirm_link(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Agree that the guardian shows the code: the member, a minor's parent, or the agency.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the member's to do;
        the refusals of `aggregates.credential_link.confirm_link`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        for_whom = check_is(reads, vault, request.caller, (link.member, _sides(link)), now)
        born_on = traits_of(reads, vault, link.member).born_on
        is_own = request.caller.role is Role.AGENCY or for_whom is None
        event = rules.confirm_link(link, accounts_of(reads, link), born_on, now, is_own=is_own)
        decision = _answered(reads, vault, request.caller, link_id, (link, event), now)
        decision.on_behalf_of = for_whom
        return decision

    return await context.do(request, decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An agency's judgement of the evidence of a link, and why."""

    is_approved: bool
    reason: str


async def review_link(
    context: ServiceContext, request: Request, link_id: StreamId, review: Review
) -> Reply:
    """Judge a link's evidence (the agency of the member's region); a no closes the link.

    Raises:
        UnknownError: no such link, or not of the agency's region; the refusals of
        `aggregates.credential_link.review_link`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        check_region(request.caller, reads.account(link.member))
        for account_id in _sides(link):
            check_names_nobody(reads, vault, account_id, review.reason)
        born_on = traits_of(reads, vault, link.member).born_on
        event = rules.review_link(
            link, born_on, now, is_approved=review.is_approved, reason=review.reason
        )
        decision = _answered(reads, vault, request.caller, link_id, (link, event), now)
        if not event.is_approved:
            decision.frees = set(_names(vault, link))
        decision.on_behalf_of = link.member
        return decision

    return await context.do(request, decide)


async def activate_link(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Take an approved link into use (the guardian, or his agency); an active one stays so.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the guardian's to
        do; the refusals of `aggregates.credential_link.activate_link`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        for_whom = check_is(reads, vault, request.caller, (link.guardian, _sides(link)), now)
        born_on = traits_of(reads, vault, link.member).born_on
        is_parent = is_parent_of_minor(reads, vault, link.guardian, link.member, now)
        event = rules.activate_link(link, born_on, now, is_parent=is_parent)
        if event is not None:
            rules.check_living(accounts_of(reads, link))
        decision = _answered(reads, vault, request.caller, link_id, (link, event), now)
        decision.on_behalf_of = for_whom
        return decision

    return await context.do(request, decide)


async def show_code(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Show the member's code once (the guardian, or his agency); it holds for a quarter hour.

    The code is made of the ledger's key and of this request's name, so a repeat makes the same
    one again, and what is stored holds its keyed digest alone.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the guardian's to
        do; the refusals of `check_active` and `show_code` of `aggregates.credential_link`; the
        rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault
    token = vault.token(f"{link_id}\0{request.caller.name}\0{request.key}")
    name = vault.name(E_CREDENTIAL, token)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        for_whom = check_is(reads, vault, request.caller, (link.guardian, _sides(link)), now)
        rules.check_active(link, traits_of(reads, vault, link.member).born_on, now.on)
        shown = rules.show_code(link, accounts_of(reads, link), name.hex(), now)
        answer = {"link_id": link_id, "expires_at": moment(shown.expires_at)}
        return Decision(
            answer=json.encode(answer),
            events=[(link_id, shown)],
            takes={name: link_id},
            on_behalf_of=for_whom,
        )

    reply = await context.do(request, decide)
    if reply.refusal is not None:
        return reply
    return reply._replace(answer=json.encode(json.decode(reply.answer) | {"code": token}))


async def close_link(
    context: ServiceContext, request: Request, link_id: StreamId, reason: str
) -> Reply:
    """Close a link (either side, a minor member's parent, or an agency); its codes end with it.

    Raises:
        UnknownError: no such link, or not the caller's; LinkClosedError: it is closed; the rest
        as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        link = reads.link(link_id)
        acting = acting_side(reads, vault, request.caller, _sides(link), now)
        closed = rules.close(link, by=acting.side, reason=reason, now=now)
        decision = _answered(reads, vault, request.caller, link_id, (link, closed), now)
        decision.frees = set(_names(vault, link))
        decision.on_behalf_of = acting.on_behalf_of
        return decision

    return await context.do(request, decide)


def sides_in(answer: bytes) -> tuple[StreamId, StreamId | None]:
    """The account ids of both sides in a link's answer; no member where he is not told."""
    link = json.decode(answer)
    return link["guardian"], link["member"]


def _sides(link: Link) -> Parties:
    return Parties(link.guardian, link.member)


def _answered(
    reads: ReadSet,
    vault: Vault,
    caller: Caller,
    link_id: StreamId,
    moved: tuple[Link | None, LinkEvent | None],
    now: Instant,
) -> Decision:
    """The link as it is after this event; without one, as it stands."""
    before, event = moved
    link = before if event is None else rules.evolve(before, event)
    assert link is not None, "a link begins with CredentialLinkRequested"
    member = link.member if _is_told(reads, vault, caller, link) else None
    status = _status_of(reads, vault, link, now)
    version = (0 if before is None else reads.version(link_id)) + (event is not None)
    answer = link_answer(link_id, link, status, version) | {"member": member}
    events: list[tuple[StreamId, Event]] = [] if event is None else [(link_id, event)]
    return Decision(answer=json.encode(answer), events=events)


def _status_of(reads: ReadSet, vault: Vault, link: Link, now: Instant) -> LinkStatus:
    return link.status_of(traits_of(reads, vault, link.member).born_on, now.on)


def _is_told(reads: ReadSet, vault: Vault, caller: Caller, link: Link) -> bool:
    """Whether a caller may know that the member of a link is there: not on the guardian's word."""
    if link.is_known or caller.role is Role.AUDITOR:
        return True
    if caller.role is Role.AGENCY:
        return is_of_agency(reads, caller, link.member)
    return find_person(reads, vault, caller.subject) != link.guardian


def link_between(
    reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId
) -> StreamId | None:
    """The link that is not closed by which one shows the other's code, or asks to."""
    return reads.find(_pair_name(vault, guardian, member))


def is_linked(reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId) -> bool:
    """Whether a link ties the two: a guardian's request alone does not."""
    link_id = link_between(reads, vault, guardian, member)
    return link_id is not None and reads.link(link_id).is_known


def accounts_of(reads: ReadSet, link: Link) -> tuple[Account, Account]:
    """The guardian's and the member's."""
    return reads.account(link.guardian), reads.account(link.member)


def _held(reads: ReadSet, vault: Vault, guardian: StreamId, member: StreamId) -> ExistingLinks:
    used = [slot for slot in SLOTS if reads.find(_slot_name(vault, guardian, slot)) is not None]
    return ExistingLinks(link_between(reads, vault, guardian, member), used)


def _names(vault: Vault, link: Link) -> tuple[bytes, bytes]:
    """The unique names that a live link has."""
    pair = _pair_name(vault, link.guardian, link.member)
    return _slot_name(vault, link.guardian, link.slot), pair


def _slot_name(vault: Vault, guardian: StreamId, slot: int) -> bytes:
    return vault.name("link", f"{guardian}\0{slot}")


def _pair_name(vault: Vault, guardian: StreamId, member: StreamId) -> bytes:
    return vault.name("link_pair", f"{guardian}\0{member}")
