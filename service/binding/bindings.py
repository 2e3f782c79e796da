"""Invite, confirm, decline, change and release: how a family comes to share and to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from msgspec import json

from aggregates.account.events import (
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    InvitationReceived,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.account.state import Account
from aggregates.binding import binding as rules
from aggregates.binding.binding import Binding, CapsChange, Kin, Offer
from aggregates.binding.eligibility import Side, nobody
from aggregates.binding.events import BindingConfirmed, Caps, InvitationSent
from aggregates.policy.choices import Activation
from aggregates.refusals import AlreadyBoundError, RefusalError, UnknownError
from aggregates.vocabulary import BindingStatus, Instant, Parting, StreamId, Use
from service.binding.consents import check_consent
from service.binding.parties import (
    Invite,
    Moved,
    Sides,
    acting_side,
    check_is,
    is_stranger,
    kin_of,
    party,
    side_of,
    swept_side,
)
from service.binding.registry_sync import bring_up_to_date
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.free_text import check_names_nobody
from service.person.lookup import find_or_stand_in
from service.serializers import binding_answer
from service.vault import Keys

__all__ = ["Caps", "CapsChange", "Change", "Invite", "Offer"]


async def invite(house: House, request: Request, command: Invite) -> Reply:
    """Offer a grant; where the region asks for no acceptance it is active at once."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(command.consent)
    keys = house.keys
    sponsor_no = command.sponsor or request.caller.subject
    if request.caller.role is Role.PERSON and sponsor_no != request.caller.subject:
        raise UnknownError  # before a registry is asked about strangers
    await bring_up_to_date(house, sponsor_no, command.beneficiary)

    def decide(view: View, now: Instant) -> Decision:
        sponsor_id = party(view, keys, request.caller, command.sponsor)
        sponsor, lapsed = swept_side(view, keys, sponsor_id, now)
        beneficiary_id = find_or_stand_in(view, keys, sponsor_id, command.beneficiary)
        binding_id = new_stream("bnd", now.at)
        kin = kin_of(view, keys, command, (sponsor_id, beneficiary_id))
        beneficiary, theirs, sent = _offered(
            view, keys, request.caller, command, (sponsor, beneficiary_id, kin), now
        )
        moved: Moved = [*lapsed, *theirs, (binding_id, sent)]
        if sponsor.edition.binding.activation is Activation.SPONSOR_ONLY:
            moved += confirmed_events(
                binding_id, rules.evolve(None, sent), sponsor, beneficiary, now
            )
        else:
            received = InvitationReceived(binding=binding_id, sponsor=sponsor_id)
            moved.append((beneficiary.account_id, received))
        agent = sponsor_id if request.caller.role is Role.AGENCY else None
        return _answered(binding_id, None, 0, moved, now, agent)

    return await house.do(request, decide)


def _offered(
    view: View,
    keys: Keys,
    caller: Caller,
    command: Invite,
    parties: tuple[Side, StreamId, Kin],
    now: Instant,
) -> tuple[Side, Moved, InvitationSent]:
    """The beneficiary without his lapsed ties, and the offer to him.

    Who is a stranger to the sponsor is first judged as somebody of whom nothing is known; what
    his own state forbids then looks as if there were no such person.

    Raises:
        UnknownError: there is none; AlreadyBoundError: an invitation is open; else as
        `aggregates.binding.binding.invite`.
    """
    sponsor, beneficiary_id, kin = parties

    def real() -> tuple[Side, Moved, InvitationSent]:
        beneficiary, theirs = swept_side(view, keys, beneficiary_id, now)
        _check_no_open_invitation(view, sponsor.account_id, beneficiary.account, now)
        sent = rules.invite(command.offer, kin, sponsor, beneficiary, now, command.consent)
        return beneficiary, theirs, sent

    if not is_stranger(view, keys, caller, sponsor.account_id, beneficiary_id):
        return real()
    unknown = Side(beneficiary_id, nobody(sponsor.account.region, now), sponsor.edition)
    rules.invite(command.offer, Kin(kin.shown, None), sponsor, unknown, now, command.consent)
    try:
        return real()
    except RefusalError:
        raise UnknownError from None


async def confirm(
    house: House, request: Request, binding_id: StreamId, consent: str | None = None
) -> Reply:
    """The beneficiary agrees, by a version of a text; from then on the sponsor stands behind him.

    Raises:
        ConsentUnknownError: no such version; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    check_consent(consent)

    def decide(view: View, now: Instant) -> Decision:
        binding = view.binding(binding_id)
        for_whom = check_is(
            view, house.keys, request.caller, (binding.beneficiary, _sides(binding)), now
        )
        sponsor, lapsed = swept_side(view, house.keys, binding.sponsor, now)
        beneficiary, theirs = swept_side(view, house.keys, binding.beneficiary, now)
        moved = [*lapsed, *theirs]
        moved += confirmed_events(binding_id, binding, sponsor, beneficiary, now, consent)
        return _answered(binding_id, binding, view.version(binding_id), moved, now, for_whom)

    return await house.do(request, decide)


async def decline(house: House, request: Request, binding_id: StreamId) -> Reply:
    """The beneficiary says no."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(view: View, now: Instant) -> Decision:
        binding = view.binding(binding_id)
        for_whom = check_is(
            view, house.keys, request.caller, (binding.beneficiary, _sides(binding)), now
        )
        view.account(binding.beneficiary)
        moved: Moved = [
            (binding_id, rules.decline(binding, now)),
            (binding.beneficiary, SponsorUnlinked(binding=binding_id)),
        ]
        return _answered(binding_id, binding, view.version(binding_id), moved, now, for_whom)

    return await house.do(request, decide)


async def release(house: House, request: Request, binding_id: StreamId, reason: str) -> Reply:
    """Either side takes the grant back, as far as the region lets him."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(view: View, now: Instant) -> Decision:
        binding = view.binding(binding_id)
        acting = acting_side(view, house.keys, request.caller, _sides(binding), now)
        for account_id in _sides(binding):
            check_names_nobody(view, house.keys, account_id, reason)
        sponsor = side_of(view, house.keys, binding.sponsor, now)
        view.account(binding.beneficiary)
        event = rules.release(binding, sponsor, by=acting.side, reason=reason, now=now)
        moved: Moved = [(binding_id, event)]
        if event.last_on is None:
            moved.append((binding.beneficiary, SponsorUnlinked(binding=binding_id)))
            if binding.status is BindingStatus.ACTIVE:
                moved.append((binding.sponsor, _released(binding_id, now)))
        return _answered(
            binding_id, binding, view.version(binding_id), moved, now, acting.on_behalf_of
        )

    return await house.do(request, decide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New terms of a grant. A member that was not sent stays as it is."""

    uses: tuple[Use, ...] | None
    caps: CapsChange
    valid_until: Callable[[date | None], date | None]


async def change(house: House, request: Request, binding_id: StreamId, terms: Change) -> Reply:
    """The sponsor changes what he grants, for settlements from now on."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(view: View, now: Instant) -> Decision:
        binding = view.binding(binding_id)
        for_whom = check_is(
            view, house.keys, request.caller, (binding.sponsor, _sides(binding)), now
        )
        event = rules.change_grant(
            binding,
            now,
            terms.uses or binding.uses,
            terms.caps,
            terms.valid_until(binding.valid_until),
        )
        version = view.version(binding_id)
        moved: Moved = [(binding_id, event)]
        return _answered(binding_id, binding, version, moved, now, for_whom)

    return await house.do(request, decide)


async def look_at_binding(house: House, caller: Caller, binding_id: StreamId) -> Reply:
    """A binding as the log has it now: for its two sides, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(view: View, now: Instant) -> Decision:
        binding = view.binding(binding_id)
        if caller.role is not Role.AUDITOR:
            acting_side(view, house.keys, caller, _sides(binding), now)
        answer = binding_answer(binding_id, binding, view.version(binding_id), now)
        return Decision(answer=json.encode(answer))

    return await house.ask(caller, decide)


def _sides(binding: Binding) -> Sides:
    return Sides(binding.sponsor, binding.beneficiary)


def _released(binding_id: StreamId, now: Instant) -> BeneficiaryUnlinked:
    return BeneficiaryUnlinked(binding=binding_id, parting=Parting.RELEASED, on=now.on)


def _check_no_open_invitation(
    view: View, sponsor_id: StreamId, beneficiary: Account, now: Instant
) -> None:
    for binding_id, sponsor in beneficiary.invitations:
        is_open = view.binding(binding_id).status_at(now) is BindingStatus.INVITED
        if sponsor == sponsor_id and is_open:
            raise AlreadyBoundError(binding_id=binding_id)


def confirmed_events(
    binding_id: StreamId,
    binding: Binding,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> Moved:
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
    moved: Moved,
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


def parties_in(answer: bytes) -> tuple[StreamId, StreamId]:
    """The account ids of both sides in a binding's answer."""
    binding = json.decode(answer)
    return binding["sponsor"], binding["beneficiary"]
