"""Invite, confirm, decline, change and release: how a family comes to share and to stop."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from msgspec import json

from aggregates.account.events import (
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    InvitationReceived,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.binding import binding as rules
from aggregates.binding.binding import Binding, CapsChange, Kin, Offer
from aggregates.binding.eligibility import Side
from aggregates.binding.events import BindingConfirmed, Caps
from aggregates.binding.kinship import parent_in
from aggregates.policy.choices import Activation
from aggregates.refusals import AlreadyBoundError, UnknownError
from aggregates.vocabulary import BindingStatus, Instant, Parting, StreamId, Use
from service.binding.consents import check_consent
from service.binding.kinship import traits_of
from service.binding.parties import (
    Invite,
    Parties,
    acting_side,
    check_sees,
    check_side,
    is_stranger,
    kin_of,
    may_know,
    party,
    side_of,
    swept_side,
)
from service.binding.registry_sync import bring_up_to_date
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import find_or_stand_in
from service.serializers import binding_answer
from service.vault import Vault

__all__ = ["Caps", "CapsChange", "GrantUpdate", "Invite", "Offer"]


async def invite(context: ServiceContext, request: Request, command: Invite) -> Reply:
    """Offer a grant; where the region asks for no acceptance it is active at once.

    The answer does not tell a sponsor whether there is a person of whom he may not know: the
    invitation is recorded the same way for somebody and for nobody, it waits for a yes in every
    region, and what the other's state forbids is judged then.

    Raises:
        UnknownError: the sponsor is not the caller's, or an agency names somebody who is not
        there; AlreadyBoundError: an invitation is open; the refusals of
        `aggregates.binding.binding.invite`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(command.consent)
    vault = context.vault
    sponsor_no = command.sponsor or request.caller.subject
    if request.caller.role is Role.PERSON and sponsor_no != request.caller.subject:
        raise UnknownError  # before a registry is asked about strangers
    await bring_up_to_date(context, sponsor_no, command.beneficiary)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        sponsor_id = party(reads, vault, request.caller, command.sponsor)
        sponsor, lapsed = swept_side(reads, vault, sponsor_id, now)
        beneficiary_id = find_or_stand_in(reads, vault, sponsor_id, command.beneficiary)
        offered = _PendingOffer(command, sponsor, beneficiary_id, new_stream("bnd", now.at))
        earlier = reads.find(_pair_name(vault, offered))
        if earlier is not None:
            _check_not_open(reads, earlier, now)
        kin = kin_of(reads, vault, command, (sponsor_id, beneficiary_id))
        agent = sponsor_id if request.caller.role is Role.AGENCY else None
        if is_stranger(reads, vault, request.caller, sponsor_id, beneficiary_id):
            decision = _stranger_invited(offered, kin, lapsed, now, agent)
            decision.takes = {_pair_name(vault, offered): offered.binding_id}
            decision.frees = set() if earlier is None else {*decision.takes}
            return decision
        moved = [*lapsed, *_known_invited(reads, vault, offered, kin, now)]
        return _answered(offered.binding_id, None, 0, moved, now, agent)

    return await context.do(request, decide)


class _PendingOffer(NamedTuple):
    """An offer on its way: what is asked, by whom, to whom, and under which id."""

    command: Invite
    sponsor: Side
    beneficiary: StreamId
    binding_id: StreamId


def _stranger_invited(
    offered: _PendingOffer, kin: Kin, lapsed: StreamEvents, now: Instant, agent: StreamId | None
) -> Decision:
    """The offer to somebody of whom the sponsor may not know; the same where nobody is."""
    command, sponsor, beneficiary_id, binding_id = offered
    sent = rules.invite_stranger(
        command.offer, kin.shown, sponsor, beneficiary_id, now, command.consent
    )
    return _untold(_answered(binding_id, None, 0, [*lapsed, (binding_id, sent)], now, agent))


def _known_invited(
    reads: ReadSet, vault: Vault, offered: _PendingOffer, kin: Kin, now: Instant
) -> StreamEvents:
    """The offer to somebody of whom the sponsor may know, and the ties of his that lapsed.

    Raises:
        UnknownError: there is none; AlreadyBoundError: an invitation is open; else as
        `aggregates.binding.binding.invite`.
    """
    command, sponsor, beneficiary_id, binding_id = offered
    beneficiary, lapsed = swept_side(reads, vault, beneficiary_id, now)
    for earlier, by in beneficiary.account.invitations:
        if by == sponsor.account_id:
            _check_not_open(reads, earlier, now)
    sent = rules.invite(command.offer, kin, sponsor, beneficiary, now, command.consent)
    moved: StreamEvents = [*lapsed, (binding_id, sent)]
    if sponsor.edition.binding.activation is Activation.SPONSOR_ONLY:
        binding = rules.evolve(None, sent)
        return moved + confirmed_events(binding_id, binding, sponsor, beneficiary, now)
    received = InvitationReceived(binding=binding_id, sponsor=sponsor.account_id)
    return [*moved, (beneficiary_id, received)]


def _pair_name(vault: Vault, offered: _PendingOffer) -> bytes:
    """The unique name of the newest invitation from one to a stranger."""
    return vault.name("invitation", f"{offered.sponsor.account_id}\0{offered.beneficiary}")


def _check_not_open(reads: ReadSet, binding_id: StreamId, now: Instant) -> None:
    if reads.binding(binding_id).status_at(now) is BindingStatus.INVITED:
        raise AlreadyBoundError(binding_id=binding_id)


async def confirm(
    context: ServiceContext, request: Request, binding_id: StreamId, consent: str | None = None
) -> Reply:
    """The beneficiary agrees, by a version of a text; from then on the sponsor stands behind him.

    Raises:
        ConsentUnknownError: no such version; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(consent)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        for_whom = check_side(
            reads, context.vault, request.caller, (binding.beneficiary, _sides(binding)), now
        )
        sponsor, lapsed = swept_side(reads, context.vault, binding.sponsor, now)
        beneficiary, theirs = swept_side(reads, context.vault, binding.beneficiary, now)
        moved = [*lapsed, *theirs]
        asked = _with_parent(reads, context.vault, binding)
        moved += confirmed_events(binding_id, asked, sponsor, beneficiary, now, consent)
        return _answered(binding_id, binding, reads.version(binding_id), moved, now, for_whom)

    return await context.do(request, decide)


def _with_parent(reads: ReadSet, vault: Vault, binding: Binding) -> Binding:
    """A binding with which parent one side is of the other, also where a stranger was asked."""
    if binding.is_known:
        return binding
    mine, theirs = (traits_of(reads, vault, side) for side in _sides(binding))
    return replace(binding, parent=parent_in(binding.relation, mine, theirs))


async def decline(context: ServiceContext, request: Request, binding_id: StreamId) -> Reply:
    """The beneficiary says no."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        for_whom = check_side(
            reads, context.vault, request.caller, (binding.beneficiary, _sides(binding)), now
        )
        reads.account(binding.beneficiary)
        moved: StreamEvents = [(binding_id, rules.decline(binding, now))]
        if binding.is_known:
            moved.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
        return _answered(binding_id, binding, reads.version(binding_id), moved, now, for_whom)

    return await context.do(request, decide)


async def release(
    context: ServiceContext, request: Request, binding_id: StreamId, reason: str
) -> Reply:
    """Either side takes the grant back, as far as the region lets him."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        acting = acting_side(reads, context.vault, request.caller, _sides(binding), now)
        for account_id in _sides(binding):
            check_names_nobody(reads, context.vault, account_id, reason)
        sponsor = side_of(reads, context.vault, binding.sponsor, now)
        event = rules.release(binding, sponsor, by=acting.side, reason=reason, now=now)
        moved: StreamEvents = [(binding_id, event)]
        if event.last_on is None and binding.is_known:
            reads.account(binding.beneficiary)
            moved.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
            if binding.status is BindingStatus.ACTIVE:
                moved.append((binding.sponsor, _released(binding_id, now)))
        decision = _answered(
            binding_id, binding, reads.version(binding_id), moved, now, acting.on_behalf_of
        )
        is_open = _may_know(reads, context.vault, request.caller, binding)
        return decision if is_open else _untold(decision)

    return await context.do(request, decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUpdate:
    """New terms of a grant. A member that was not sent stays as it is."""

    uses: tuple[Use, ...] | None
    caps: CapsChange
    valid_until: Callable[[date | None], date | None]


async def change(
    context: ServiceContext, request: Request, binding_id: StreamId, terms: GrantUpdate
) -> Reply:
    """The sponsor changes what he grants, for settlements from now on."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        for_whom = check_side(
            reads, context.vault, request.caller, (binding.sponsor, _sides(binding)), now
        )
        event = rules.change_grant(
            binding,
            now,
            terms.uses or binding.uses,
            terms.caps,
            terms.valid_until(binding.valid_until),
        )
        version = reads.version(binding_id)
        moved: StreamEvents = [(binding_id, event)]
        return _answered(binding_id, binding, version, moved, now, for_whom)

    return await context.do(request, decide)


async def look_at_binding(context: ServiceContext, caller: Caller, binding_id: StreamId) -> Reply:
    """A binding as the log has it now: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        binding = reads.binding(binding_id)
        check_sees(reads, context.vault, caller, _sides(binding), now)
        answer = binding_answer(binding_id, binding, reads.version(binding_id), now)
        decision = Decision(answer=json.encode(answer))
        is_open = _may_know(reads, context.vault, caller, binding)
        return decision if is_open else _untold(decision)

    return await context.ask(caller, decide)


def _sides(binding: Binding) -> Parties:
    return Parties(binding.sponsor, binding.beneficiary)


def _may_know(reads: ReadSet, vault: Vault, caller: Caller, binding: Binding) -> bool:
    return may_know(reads, vault, caller, _sides(binding), is_known=binding.is_known)


def _released(binding_id: StreamId, now: Instant) -> BeneficiaryUnlinked:
    return BeneficiaryUnlinked(binding=binding_id, parting=Parting.RELEASED, on=now.on)


def confirmed_events(
    binding_id: StreamId,
    binding: Binding,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> StreamEvents:
    """The confirmation, and the link on both accounts; `consent` is the beneficiary's."""
    confirmed: BindingConfirmed = rules.confirm(binding, sponsor, beneficiary, now, consent)
    return [
        (binding_id, confirmed),
        (
            beneficiary.account_id,
            SponsorLinked(
                binding=binding_id,
                sponsor=sponsor.account_id,
                relation=binding.relation,
                parent=binding.parent,
                linked_at=confirmed.confirmed_at,
            ),
        ),
        (
            sponsor.account_id,
            BeneficiaryLinked(
                binding=binding_id,
                beneficiary=beneficiary.account_id,
                relation=binding.relation,
                parent=binding.parent,
            ),
        ),
    ]


def _answered(
    binding_id: StreamId,
    binding: Binding | None,
    version: int,
    moved: StreamEvents,
    now: Instant,
    on_behalf_of: StreamId | None,
) -> Decision:
    """The binding as it is after these events."""
    for stream, event in moved:
        if stream == binding_id:
            binding = rules.evolve(binding, event)  # type: ignore[arg-type]
            version += 1
    assert binding is not None, "a binding begins with InvitationSent"
    answer = binding_answer(binding_id, binding, version, now)
    return Decision(answer=json.encode(answer), events=moved, on_behalf_of=on_behalf_of)


def _untold(decision: Decision) -> Decision:
    """A decision whose answer does not name the beneficiary."""
    decision.answer = json.encode(json.decode(decision.answer) | {"beneficiary": None})
    return decision


def parties_in(answer: bytes) -> tuple[StreamId, StreamId | None]:
    """The account ids of both sides in a binding's answer; no beneficiary where he is not told."""
    binding = json.decode(answer)
    return binding["sponsor"], binding["beneficiary"]
