"""Who takes part in a binding: its two sides, whom the caller is or acts for, and their kinship."""

from dataclasses import dataclass

from aggregates.binding import Binding, Kin, Offer
from aggregates.eligibility import Side
from aggregates.kinship import Traits, parent_in
from aggregates.refusals import NotPermittedError, UnknownError
from aggregates.ties import swept
from aggregates.topics import Event
from aggregates.vocabulary import Instant, KinshipEvidence, StreamId
from service.accounts import find_person
from service.caller import Caller, Role, check_region, check_role
from service.editions import edition_in_force
from service.house import House
from service.ledger.view import View
from service.persons import Keys
from service.relatives import (
    NO_TRAITS,
    Acting,
    acting_for,
    acts_as_parent,
    shown_for,
    traits_of,
)

Moved = list[tuple[StreamId, Event]]
NOBODY = Acting(None, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A sponsor's offer to a person. `sponsor` is a person number; None is the caller himself."""

    sponsor: str | None
    beneficiary: str
    offer: Offer
    evidence: tuple[KinshipEvidence | None, str | None] = (None, None)


async def traits_named(house: House, command: Invite, caller: Caller) -> dict[StreamId, Traits]:
    """What the ID numbers of both parties tell; who is not known here has none."""
    numbers = (command.sponsor or caller.subject, command.beneficiary)
    names = [house.keys.name("person_no", number) for number in numbers]
    found = await house.store.read((), names)
    return await traits_of(house, found.names.values())


def kin_of(
    view: View,
    keys: Keys,
    command: Invite,
    parties: tuple[StreamId, StreamId],
    traits: dict[StreamId, Traits],
) -> Kin:
    """How sponsor and beneficiary are related, as shown and registered."""
    mine, theirs = (traits.get(party, NO_TRAITS) for party in parties)
    shown = shown_for(view, keys, *parties, command.evidence)
    return Kin(shown, parent_in(command.offer.relation, mine, theirs))


def party(view: View, keys: Keys, caller: Caller, person_no: str | None) -> StreamId:
    """The account that acts: the caller's own, or for an agency the one it names."""
    if caller.role is Role.PERSON:
        if person_no not in (None, caller.subject):
            raise UnknownError
        return find_person(view, keys, caller.subject)
    if person_no is None:
        raise UnknownError(what="sponsor")
    account_id = find_person(view, keys, person_no)
    check_region(caller, view.account(account_id))
    return account_id


def side_of(view: View, keys: Keys, account_id: StreamId, now: Instant) -> Side:
    """One party as the log has it, with its region's rules of today."""
    account = view.account(account_id)
    return Side(account_id, account, edition_in_force(view, keys, account.region, now))


def swept_side(view: View, keys: Keys, account_id: StreamId, now: Instant) -> tuple[Side, Moved]:
    """One party without its lapsed ties, and the events that write it down."""
    account, events = swept(view.account(account_id), view.binding, now)
    side = Side(account_id, account, edition_in_force(view, keys, account.region, now))
    return side, [(account_id, event) for event in events]


async def acting_on(house: House, caller: Caller, binding_id: StreamId) -> Acting:
    """For whom a caller acts on the beneficiary's side of a binding."""
    binding = (await house.store.read((binding_id,), ())).heads[binding_id].state
    if not isinstance(binding, Binding):
        return NOBODY
    return await acting_for(house, caller, binding.beneficiary)


def acting_side(
    view: View, keys: Keys, caller: Caller, binding: Binding, acting: Acting
) -> StreamId:
    """Which side the caller is, or acts for.

    Raises:
        UnknownError: neither.
    """
    check_role(caller, Role.PERSON, Role.AGENCY)
    sides = (binding.sponsor, binding.beneficiary)
    if caller.role is Role.PERSON:
        mine = find_person(view, keys, caller.subject)
        if mine not in sides and acts_as_parent(view, keys, mine, binding.beneficiary, acting):
            return binding.beneficiary
    else:
        near = (s for s in sides if caller.region in (None, view.account(s).region))
        mine = next(near, StreamId(""))
    if mine not in sides:
        raise UnknownError
    return mine


def check_is(
    view: View, keys: Keys, caller: Caller, of: tuple[StreamId, Binding], acting: Acting
) -> None:
    """Let one side of a binding alone act, a minor's parent, or its agency.

    Raises:
        UnknownError: the binding is not the caller's; NotPermittedError: the other side's to do.
    """
    side, binding = of
    mine = acting_side(view, keys, caller, binding, acting)
    if caller.role is Role.AGENCY:
        check_region(caller, view.account(side))
        return
    me = find_person(view, keys, caller.subject)
    if mine != side and not acts_as_parent(view, keys, me, side, acting):
        raise NotPermittedError
