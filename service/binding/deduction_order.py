"""The order in which a beneficiary's sponsors pay."""

from msgspec import json

from aggregates.account.fold import evolve
from aggregates.account.state import Account, SponsorLink
from aggregates.binding import deduction_order as rules
from aggregates.binding.expiry import live_sponsors
from aggregates.policy.choices import OrderStrategy
from aggregates.refusals import (
    NotPermittedError,
    OwnFirstMandatoryError,
    SponsorInvalidError,
    UnknownError,
)
from aggregates.vocabulary import Instant, StreamId
from service.binding.kinship import is_parent_of_minor
from service.caller import Caller, Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import find_or_stand_in, find_person, find_readable, own_region
from service.policy import edition_in_force
from service.serializers import order_answer
from service.vault import Vault

OWN = "OWN"


async def change_order(
    context: ServiceContext,
    request: Request,
    person_no: str,
    sponsors: tuple[str, ...],
    version: int | None,
) -> Reply:
    """Set the deduction order of a beneficiary, by his sponsors' person numbers.

    Raises:
        OwnFirstMandatoryError: the own account stands outside any order (S11);
        SponsorInvalidError: a stranger or a name twice (S44); NotPermittedError: the region
        leaves it to the other side (S42); the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if OWN in sponsors or person_no in sponsors:
        raise OwnFirstMandatoryError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, for_whom = _check_may_set(reads, context.vault, request.caller, person_no, now)
        account = reads.account(account_id)
        live = _live(reads, account, now)
        bindings = _bindings(reads, context.vault, account_id, live, sponsors)
        event = rules.change_order(account, live, bindings, version)
        answer = order_answer(rules.current_order(evolve(account, event), live))
        return Decision(
            answer=json.encode(answer), events=[(account_id, event)], on_behalf_of=for_whom
        )

    return await context.do(request, decide)


async def look_at_order(context: ServiceContext, caller: Caller, person_no: str) -> Reply:
    """The order a beneficiary set over his sponsors of today; who came later pays last.

    For himself, a minor's parent, agencies.

    Raises:
        UnknownError: there is no such person, or his order is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account = reads.account(find_readable(reads, context.vault, caller, person_no, now))
        order = rules.current_order(account, _live(reads, account, now))
        return Decision(answer=json.encode(order_answer(order)))

    return await context.ask(caller, decide)


def _check_may_set(
    reads: ReadSet, vault: Vault, caller: Caller, person_no: str, now: Instant
) -> tuple[StreamId, StreamId | None]:
    """Who may set the order is the beneficiary's region's to say (`order_strategy`).

    Returns whose order it is, and for whom the caller acts where it is not his own. Of a
    stranger no more is read than of nobody: whom a person sponsors, his own account tells.

    Raises:
        UnknownError: a stranger; NotPermittedError: the other side's to do.
    """
    if caller.role is Role.AGENCY:
        account_id, _ = own_region(reads, vault, caller, person_no)
        return account_id, account_id
    me = find_person(reads, vault, caller.subject)
    account_id = find_or_stand_in(reads, vault, me, person_no)
    is_parent = me != account_id and is_parent_of_minor(reads, vault, me, account_id, now)
    is_owner = me == account_id or is_parent
    is_tied = any(tie.beneficiary == account_id for tie in reads.account(me).beneficiaries)
    if not (is_owner or is_tied):
        raise UnknownError
    account = reads.account(account_id)
    terms = edition_in_force(reads, vault, account.region, now).order
    is_sponsor = any(link.sponsor == me for link in _live(reads, account, now))
    if not (is_owner or is_sponsor):
        raise UnknownError
    by_sponsor = terms.order_strategy is OrderStrategy.SPONSOR_SET
    if not (is_sponsor if by_sponsor else is_owner):
        raise NotPermittedError
    return account_id, account_id if is_parent and not by_sponsor else None


def _live(reads: ReadSet, account: Account, now: Instant) -> tuple[SponsorLink, ...]:
    reads.need(link.binding for link in account.sponsors)
    return live_sponsors(account, reads.binding, now)


def _bindings(
    reads: ReadSet,
    vault: Vault,
    account_id: StreamId,
    live: tuple[SponsorLink, ...],
    sponsors: tuple[str, ...],
) -> list[StreamId]:
    """The sponsors' bindings; who is not known here is a stranger like any other (S44)."""
    by_sponsor = {link.sponsor: link.binding for link in live}
    ids = [find_or_stand_in(reads, vault, account_id, person_no) for person_no in sponsors]
    found = [by_sponsor.get(sponsor) for sponsor in ids]
    bindings = [binding for binding in found if binding is not None]
    if len(bindings) != len(sponsors):
        raise SponsorInvalidError
    return bindings


def sponsors_in(answer: bytes) -> list[StreamId]:
    """The sponsors' account ids in an order's answer."""
    return list(json.decode(answer)["sponsors"] or ())
