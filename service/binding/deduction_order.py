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
from service.caller import Caller, Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor
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
    rank: int | None = None,
) -> Reply:
    """Set the deduction order of a beneficiary, by the sponsors' person numbers.

    Where the sponsors set it, each moves only himself, and may name only himself and his `rank`.

    Raises:
        OwnFirstMandatoryError: the own account is in no order (S11); SponsorInvalidError: one is
        no sponsor, or named twice (S44); NotPermittedError: in this region the other side sets
        it (S42); the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if OWN in sponsors or person_no in sponsors:
        raise OwnFirstMandatoryError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, agent = _check_may_set(reads, context.vault, request.caller, person_no, now)
        account = reads.account(account_id)
        live = live_sponsors_of(reads, account, now)
        bindings = named_bindings(reads, context.vault, account_id, live, sponsors)
        event = rules.change_order(account, live, bindings, version)
        if request.caller.role is Role.PERSON:
            me = find_person(reads, context.vault, request.caller.subject)
            terms = edition_in_force(reads, context.vault, account.region, now).order
            if terms.order_strategy is OrderStrategy.SPONSOR_SET:
                event = rules.moved_by(account, live, me, event, rank)
        answer = order_answer(rules.current_order(evolve(account, event), live))
        events: StreamEvents = [(account_id, event)]
        return Decision(answer=json.encode(answer), events=events, on_behalf_of=agent)

    return await context.do(request, decide)


async def look_at_order(context: ServiceContext, caller: Caller, person_no: str) -> Reply:
    """The order of a beneficiary's current sponsors; later ones pay last.

    For the beneficiary, a minor's parent, agencies and auditors.

    Raises:
        UnknownError: there is no such person, or the caller may not see the order.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account = reads.account(find_readable(reads, context.vault, caller, person_no, now))
        order = rules.current_order(account, live_sponsors_of(reads, account, now))
        return Decision(answer=json.encode(order_answer(order)))

    return await context.ask(caller, decide)


def _check_may_set(
    reads: ReadSet, vault: Vault, caller: Caller, person_no: str, now: Instant
) -> tuple[StreamId, StreamId | None]:
    """Check that the beneficiary's region lets the caller set the order (`order_strategy`).

    Returns whose order it is, and on whose behalf the caller acts. Nothing is read of a stranger
    beyond what is read of a person who does not exist.

    Raises:
        UnknownError: a stranger; NotPermittedError: in this region the other side sets it.
    """
    if caller.role is Role.AGENCY:
        account_id, _ = own_region(reads, vault, caller, person_no)
        return account_id, account_id
    me = find_person(reads, vault, caller.subject)
    account_id = find_or_stand_in(reads, vault, me, person_no)
    is_parent = me != account_id and is_parent_of_minor(reads, vault, me, account_id, now)
    is_owner = me == account_id or is_parent
    is_bound = any(link.beneficiary == account_id for link in reads.account(me).beneficiaries)
    if not (is_owner or is_bound):
        raise UnknownError
    account = reads.account(account_id)
    terms = edition_in_force(reads, vault, account.region, now).order
    is_sponsor = any(link.sponsor == me for link in live_sponsors_of(reads, account, now))
    if not (is_owner or is_sponsor):
        raise UnknownError
    by_sponsor = terms.order_strategy is OrderStrategy.SPONSOR_SET
    if not (is_sponsor if by_sponsor else is_owner):
        raise NotPermittedError
    return account_id, account_id if is_parent and not by_sponsor else None


def live_sponsors_of(reads: ReadSet, account: Account, now: Instant) -> tuple[SponsorLink, ...]:
    """An account's sponsors whose grant has not expired."""
    reads.need(link.binding for link in account.sponsors)
    return live_sponsors(account, reads.binding, now)


def named_bindings(
    reads: ReadSet,
    vault: Vault,
    account_id: StreamId,
    live: tuple[SponsorLink, ...],
    sponsors: tuple[str, ...],
) -> list[StreamId]:
    """The sponsors' bindings; an unknown person is refused like a stranger (S44)."""
    by_sponsor = {link.sponsor: link.binding for link in live}
    ids = [find_or_stand_in(reads, vault, account_id, person_no) for person_no in sponsors]
    if not by_sponsor.keys() >= set(ids):
        raise SponsorInvalidError
    return [by_sponsor[sponsor] for sponsor in ids]


def sponsors_in(answer: bytes) -> list[StreamId]:
    """The sponsors' account ids in an order's answer."""
    return list(json.decode(answer)["sponsors"] or ())
