"""Invite, confirm, decline, change and release bindings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from msgspec import json

from aggregates.account import events as account_events
from aggregates.account.events import SponsorUnlinked
from aggregates.account.fold import evolve
from aggregates.account.state import Account, SponsorLink
from aggregates.binding import binding as rules
from aggregates.binding import deduction_order as orders
from aggregates.binding.binding import Binding, CapsChange, Kin, Offer
from aggregates.binding.eligibility import Side, activation_of
from aggregates.binding.events import Caps, StrangerInvited
from aggregates.binding.kinship import KinshipShown, parent_in
from aggregates.policy.choices import Activation, OrderStrategy
from aggregates.policy.edition import OrderTerms
from aggregates.refusals import AlreadyBoundError, NotPermittedError, UnknownError
from aggregates.vocabulary import BindingStatus, Instant, Parting, Reason, StreamId, Use
from service.binding.consents import check_consent
from service.binding.deduction_order import named_bindings
from service.binding.parties import (
    Invite,
    Parties,
    acting_side,
    asked_for,
    check_sees,
    check_side,
    current_side,
    invited_person,
    is_stranger,
    kin_of,
    may_know,
    party,
    side_of,
    sponsors_by_name,
    without_stranger,
)
from service.binding.registry_sync import bring_up_to_date
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.kin import registered, traits_of
from service.serializers import binding_answer
from service.vault import Vault

__all__ = ["Caps", "CapsChange", "GrantUpdate", "Invite", "Offer"]

OPEN = (BindingStatus.IN_REVIEW, BindingStatus.INVITED)
"""The statuses of an offer that is not decided yet."""


async def invite(context: ServiceContext, request: Request, command: Invite) -> Reply:
    """Offer a grant; it is active at once where the region requires no acceptance.

    The answer does not reveal whether a stranger exists: the invitation is recorded either way,
    it waits for acceptance in every region, and the beneficiary's state is checked only then.

    Raises:
        UnknownError: the sponsor is not the caller's, or the nation's agency names a person
        who does not exist; AlreadyBoundError: an invitation is open; the refusals of
        `aggregates.binding.binding.invite`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(command.consent)
    vault = context.vault
    sponsor_no = command.sponsor or request.caller.subject
    if request.caller.role is Role.PERSON and sponsor_no != request.caller.subject:
        raise UnknownError  # before the registry is asked
    await bring_up_to_date(context, sponsor_no, command.beneficiary)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        sponsor_id = party(reads, vault, request.caller, command.sponsor)
        sponsor, events = current_side(reads, vault, sponsor_id, now)
        beneficiary_id = invited_person(reads, vault, sponsor_id, command.beneficiary)
        pending = _PendingOffer(command, sponsor, beneficiary_id, new_stream("bnd", now.at))
        asked = asked_for(vault, sponsor_id, command.beneficiary, beneficiary_id)
        name = vault.name("invitation", f"{sponsor_id}\0{asked}")
        earlier = reads.find(name)
        _check_not_open(reads, earlier, now)
        kin = kin_of(reads, vault, command, (sponsor_id, beneficiary_id))
        on_behalf_of = sponsor_id if request.caller.role is Role.AGENCY else None
        if not is_stranger(reads, vault, request.caller, sponsor_id, beneficiary_id):
            events += _invite_known(reads, vault, pending, kin, now)
            return decision_of(pending.binding_id, None, 0, events, now, on_behalf_of)
        events.append((pending.binding_id, _invite_stranger(pending, kin, now)))
        decision = decision_of(pending.binding_id, None, 0, events, now, on_behalf_of)
        decision.takes = {name: pending.binding_id}
        decision.frees = set() if earlier is None else {name}
        return without_beneficiary(decision)

    return await context.do(request, decide)


class _PendingOffer(NamedTuple):
    """An offer: what, by whom, to whom, and the id of its binding."""

    command: Invite
    sponsor: Side
    beneficiary: StreamId
    binding_id: StreamId


def _invite_known(
    reads: ReadSet, vault: Vault, pending: _PendingOffer, kin: Kin, now: Instant
) -> StreamEvents:
    """The offer to a person of whom the sponsor may know.

    Raises:
        UnknownError: there is none; AlreadyBoundError: an invitation is open; else as
        `aggregates.binding.binding.invite`.
    """
    command, sponsor, beneficiary_id, binding_id = pending
    beneficiary, events = current_side(reads, vault, beneficiary_id, now)
    for earlier, by in beneficiary.account.invitations:
        if by == sponsor.account_id:
            _check_not_open(reads, earlier, now)
    sent = rules.invite(command.offer, kin, sponsor, beneficiary, now, command.consent)
    events.append((binding_id, sent))
    binding = rules.evolve(None, sent)
    activation = activation_of(sponsor.edition.binding, binding.relation)
    is_alone = activation is Activation.SPONSOR_ONLY
    if is_alone and binding.status is BindingStatus.INVITED:
        names = sponsors_by_name(reads, vault, beneficiary, (binding_id, sponsor.account_id))
        sides = (sponsor, beneficiary)
        return events + confirmed_events(binding_id, binding, sides, names, now)
    received = account_events.InvitationReceived(binding=binding_id, sponsor=sponsor.account_id)
    return [*events, (beneficiary_id, received)]


def _invite_stranger(pending: _PendingOffer, kin: Kin, now: Instant) -> StrangerInvited:
    command = pending.command
    shown = without_stranger(kin.shown, command.beneficiary)
    return rules.invite_stranger(
        command.offer, shown, pending.sponsor, pending.beneficiary, now, command.consent
    )


def _check_not_open(reads: ReadSet, earlier: StreamId | None, now: Instant) -> None:
    if earlier and reads.binding(earlier).status_at(now) in OPEN:
        raise AlreadyBoundError(binding_id=earlier)


async def confirm(
    context: ServiceContext,
    request: Request,
    binding_id: StreamId,
    consent: str | None = None,
    order: tuple[str, ...] | None = None,
) -> Reply:
    """Agree as the beneficiary; `consent` is the version of the text agreed to.

    `order` sets the deduction order in the same step, by the sponsors' person numbers.

    Raises:
        ConsentUnknownError: no such version; SponsorInvalidError: `order` names somebody else;
        NotPermittedError: the sponsors set the order in this region; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(consent)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        agent = check_side(reads, vault, caller, (binding.beneficiary, _sides(binding)), now)
        sponsor, events = current_side(reads, vault, binding.sponsor, now)
        beneficiary, of_beneficiary = current_side(reads, vault, binding.beneficiary, now)
        shown = _shown_now(reads, vault, binding)
        rules.check_kin(binding, shown, now)
        with_parent = _with_parent(binding, shown)
        events += of_beneficiary
        names = sponsors_by_name(reads, vault, beneficiary, (binding_id, binding.sponsor))
        events += confirmed_events(
            binding_id, with_parent, (sponsor, beneficiary), names, now, consent
        )
        account = _after(beneficiary, events)
        if order is not None:
            changed = _order_named(reads, vault, beneficiary, account, order)
            events.append((beneficiary.account_id, changed))
            account = evolve(account, changed)
        decision = decision_of(binding_id, binding, reads.version(binding_id), events, now, agent)
        return _with_warnings(decision, account, account.sponsors, beneficiary.edition.order)

    return await context.do(request, decide)


def _order_named(
    reads: ReadSet, vault: Vault, side: Side, account: Account, order: tuple[str, ...]
) -> account_events.OrderChanged:
    """The order that a beneficiary names on agreeing; `account` has the new sponsor.

    Raises:
        NotPermittedError: the sponsors set it in this region; SponsorInvalidError: it names
        somebody twice, or who is no sponsor.
    """
    if side.edition.order.order_strategy is not OrderStrategy.BENEFICIARY_SET:
        raise NotPermittedError
    named = named_bindings(reads, vault, side.account_id, account.sponsors, order)
    return orders.change_order(account, account.sponsors, named, None)


def _after(side: Side, events: StreamEvents) -> Account:
    """A side's account after the events of its own stream that follow its `current_side`."""
    account = side.account
    for stream, event in events:
        if stream == side.account_id and isinstance(event, LINKING):
            account = evolve(account, event)
    return account


LINKING = (account_events.SponsorLinked, account_events.OrderChanged)


def _with_warnings(
    decision: Decision, account: Account, live: tuple[SponsorLink, ...], terms: OrderTerms
) -> Decision:
    """A decision whose answer warns of what keeps the binding from paying."""
    if orders.is_order_asked(account, live, terms):
        warned = json.decode(decision.answer) | {"warnings": [Reason.ORDER_NOT_SET]}
        decision.answer = json.encode(warned)
    return decision


def _shown_now(reads: ReadSet, vault: Vault, binding: Binding) -> KinshipShown:
    """What the register and the ID numbers say of the two when the beneficiary agrees."""
    sponsor, beneficiary = (traits_of(reads, vault, side) for side in _sides(binding))
    relation = registered(reads, vault, binding.sponsor, binding.beneficiary)
    return KinshipShown(None, None, relation, (sponsor, beneficiary))


def _with_parent(binding: Binding, shown: KinshipShown) -> Binding:
    """The binding with `parent`, which the invitation of a stranger leaves out."""
    if binding.is_known:
        return binding
    return replace(binding, parent=parent_in(binding.relation, *shown.traits))


async def decline(context: ServiceContext, request: Request, binding_id: StreamId) -> Reply:
    """Decline as the beneficiary."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        agent = check_side(reads, vault, caller, (binding.beneficiary, _sides(binding)), now)
        reads.account(binding.beneficiary)
        events: StreamEvents = [(binding_id, rules.decline(binding, now))]
        if binding.is_known:
            events.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
        return decision_of(binding_id, binding, reads.version(binding_id), events, now, agent)

    return await context.do(request, decide)


async def release(
    context: ServiceContext, request: Request, binding_id: StreamId, reason: str
) -> Reply:
    """Release a grant as either side, where the region allows it."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        acting = acting_side(reads, vault, caller, _sides(binding), now)
        for account_id in _sides(binding):
            check_names_nobody(reads, vault, account_id, reason)
        sponsor = side_of(reads, vault, binding.sponsor, now)
        event = rules.release(binding, sponsor, by=acting.side, reason=reason, now=now)
        events: StreamEvents = [(binding_id, event)]
        if event.last_on is None and binding.is_known:
            reads.account(binding.beneficiary)
            events.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
            if binding.status is BindingStatus.ACTIVE:
                unlinked = account_events.BeneficiaryUnlinked(
                    binding=binding_id, parting=Parting.RELEASED, on=now.on
                )
                events.append((binding.sponsor, unlinked))
        version = reads.version(binding_id)
        decision = decision_of(binding_id, binding, version, events, now, acting.on_behalf_of)
        is_open = may_know(reads, vault, caller, _sides(binding), is_known=binding.is_known)
        return decision if is_open else without_beneficiary(decision)

    return await context.do(request, decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUpdate:
    """New terms of a grant. `uses` None and absent caps stay unchanged."""

    uses: tuple[Use, ...] | None
    caps: CapsChange
    valid_until: Callable[[date | None], date | None]


async def change(
    context: ServiceContext, request: Request, binding_id: StreamId, terms: GrantUpdate
) -> Reply:
    """Change a grant as the sponsor, for future settlements."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        agent = check_side(reads, vault, caller, (binding.sponsor, _sides(binding)), now)
        uses = terms.uses or binding.uses
        valid_until = terms.valid_until(binding.valid_until)
        changed = rules.change_grant(binding, now, uses, terms.caps, valid_until)
        events: StreamEvents = [(binding_id, changed)]
        links = reads.account(binding.sponsor).beneficiaries
        link = next((link for link in links if link.binding == binding_id), None)
        if link is not None and link.quota_used_fen is None:
            events += _quota_begun(binding_id, binding.sponsor, changed.caps)
        version = reads.version(binding_id)
        return decision_of(binding_id, binding, version, events, now, agent)

    return await context.do(request, decide)


async def look_at_binding(context: ServiceContext, caller: Caller, binding_id: StreamId) -> Reply:
    """A binding as of the log's end: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        check_sees(reads, context.vault, caller, _sides(binding), now)
        answer = binding_answer(binding_id, binding, reads.version(binding_id), now)
        decision = Decision(answer=json.encode(answer))
        if binding.status_at(now) is BindingStatus.ACTIVE:
            beneficiary, _ = current_side(reads, context.vault, binding.beneficiary, now)
            account, terms = beneficiary.account, beneficiary.edition.order
            decision = _with_warnings(decision, account, account.sponsors, terms)
        sides = _sides(binding)
        is_open = may_know(reads, context.vault, caller, sides, is_known=binding.is_known)
        return decision if is_open else without_beneficiary(decision)

    return await context.ask(caller, decide)


def _sides(binding: Binding) -> Parties:
    return Parties(binding.sponsor, binding.beneficiary)


def confirmed_events(
    binding_id: StreamId,
    binding: Binding,
    sides: tuple[Side, Side],
    by_name: tuple[StreamId, ...],
    now: Instant,
    consent: str | None = None,
) -> StreamEvents:
    """The confirmation, and the links on both accounts; `consent` is the beneficiary's.

    `sides` are sponsor and beneficiary, `by_name` as `sponsors_by_name` says. A rank of the form
    puts the sponsor at that place of the order.
    """
    sponsor, beneficiary = sides
    confirmed = rules.confirm(binding, sponsor, beneficiary, now, consent)
    linked = account_events.SponsorLinked(
        binding=binding_id,
        sponsor=sponsor.account_id,
        relation=binding.relation,
        parent=binding.parent,
        linked_at=confirmed.confirmed_at,
        by_name=by_name,
    )
    after = evolve(beneficiary.account, linked)
    ranked = orders.order_at_binding(
        after, after.sponsors, binding_id, binding.rank, beneficiary.edition
    )
    return [
        (binding_id, confirmed),
        (beneficiary.account_id, linked),
        *((beneficiary.account_id, event) for event in (ranked,) if event is not None),
        (
            sponsor.account_id,
            account_events.BeneficiaryLinked(
                binding=binding_id,
                beneficiary=beneficiary.account_id,
                relation=binding.relation,
                parent=binding.parent,
            ),
        ),
        *_quota_begun(binding_id, sponsor.account_id, binding.caps),
    ]


def _quota_begun(binding_id: StreamId, sponsor: StreamId, caps: Caps) -> StreamEvents:
    """The event that begins to count a quota, if there is one."""
    if caps.quota_fen is None:
        return []
    return [(sponsor, account_events.QuotaBegun(binding=binding_id))]


def decision_of(
    binding_id: StreamId,
    binding: Binding | None,
    version: int,
    events: StreamEvents,
    now: Instant,
    on_behalf_of: StreamId | None,
) -> Decision:
    """Store events and answer the binding after them; `version` is the one before."""
    for stream, event in events:
        if stream == binding_id:
            binding = rules.evolve(binding, event)  # type: ignore[arg-type]
            version += 1
    assert binding is not None, "a binding begins with InvitationSent"
    answer = binding_answer(binding_id, binding, version, now)
    return Decision(answer=json.encode(answer), events=events, on_behalf_of=on_behalf_of)


def without_beneficiary(decision: Decision) -> Decision:
    """A decision whose answer does not name the beneficiary."""
    decision.answer = json.encode(json.decode(decision.answer) | {"beneficiary": None})
    return decision
