"""The two sides of a binding or link, which side the caller acts for, and their kinship."""

from dataclasses import dataclass
from typing import NamedTuple

from aggregates.binding.binding import Kin, Offer
from aggregates.binding.eligibility import Side
from aggregates.binding.expiry import without_expired
from aggregates.binding.kinship import UNKNOWN_TRAITS, KinshipShown, Traits, parent_in
from aggregates.binding.name_order import by_name
from aggregates.policy.choices import TieBreak
from aggregates.refusals import NotPermittedError, UnknownError
from aggregates.vocabulary import Instant, KinshipEvidence, StreamId
from service.caller import Caller, Role, check_region, check_role
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor, registered, traits_in, traits_of
from service.person.lookup import (
    IdCard,
    find_carded,
    find_or_stand_in,
    find_person,
    own_region,
    stand_in_of,
)
from service.person.unsealed import personal_of
from service.policy import edition_in_force
from service.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A sponsor's offer, by person numbers; `sponsor` None is the caller.

    A family may know the beneficiary by ID number and name instead. `consent` is the version of
    the text that the sponsor agreed to.
    """

    sponsor: str | None
    beneficiary: str | IdCard
    offer: Offer
    evidence: tuple[KinshipEvidence | None, str | None] = (None, None)
    consent: str | None = None


def kin_of(
    reads: ReadSet, vault: Vault, command: Invite, parties: tuple[StreamId, StreamId]
) -> Kin:
    """The kinship of sponsor and beneficiary, as shown and registered."""
    sponsor = traits_of(reads, vault, parties[0])
    if isinstance(command.beneficiary, IdCard):
        traits = (sponsor, traits_in(command.beneficiary.number))
    else:
        traits = (sponsor, traits_of(reads, vault, parties[1]))
    shown = KinshipShown(*command.evidence, registered(reads, vault, *parties), traits)
    return Kin(shown, parent_in(command.offer.relation, *traits))


def without_stranger(shown: KinshipShown, invited: str | IdCard) -> KinshipShown:
    """What is shown without what only a stranger's account tells; an ID number shown stays."""
    sponsor, beneficiary = shown.traits
    told: Traits = beneficiary if isinstance(invited, IdCard) else UNKNOWN_TRAITS
    return shown._replace(traits=(sponsor, told))


def asked_for(
    vault: Vault, sponsor: StreamId, invited: str | IdCard, beneficiary: StreamId
) -> StreamId:
    """The id under which an invitation of a stranger is open.

    Asked by number and by card, a stranger is invited twice: one answer for both would tell that
    they are one person.
    """
    return stand_in_of(vault, sponsor, invited) if isinstance(invited, IdCard) else beneficiary


def invited_person(
    reads: ReadSet, vault: Vault, sponsor: StreamId, invited: str | IdCard
) -> StreamId:
    """The account of the person invited, or a stand-in that costs the same reads."""
    if isinstance(invited, IdCard):
        return find_carded(reads, vault, sponsor, invited)
    return find_or_stand_in(reads, vault, sponsor, invited)


def party(reads: ReadSet, vault: Vault, caller: Caller, person_no: str | None) -> StreamId:
    """The acting account: the caller's own, or the one that an agency names."""
    if caller.role is Role.PERSON:
        if person_no not in (None, caller.subject):
            raise UnknownError
        return find_person(reads, vault, caller.subject)
    if person_no is None:
        raise UnknownError(what="sponsor")
    return own_region(reads, vault, caller, person_no)[0]


def side_of(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> Side:
    """One party with its region's current rules."""
    account = reads.account(account_id)
    return Side(account_id, account, edition_in_force(reads, vault, account.region, now))


def current_side(
    reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant
) -> tuple[Side, StreamEvents]:
    """One party without expired grants and invitations, and the events that record it."""
    account, events = without_expired(reads.account(account_id), reads.binding, now)
    side = Side(account_id, account, edition_in_force(reads, vault, account.region, now))
    return side, [(account_id, event) for event in events]


def sponsors_by_name(
    reads: ReadSet, vault: Vault, beneficiary: Side, new: tuple[StreamId, StreamId]
) -> tuple[StreamId, ...]:
    """The bindings of all sponsors in the order of their names, with a new binding and sponsor.

    Empty where the beneficiary's region breaks no tie by name, so that nobody's name is opened.
    """
    if beneficiary.edition.order.tie_break is not TieBreak.NAME_PINYIN:
        return ()
    sponsors = [(link.binding, link.sponsor) for link in beneficiary.account.sponsors]
    names: dict[StreamId, str] = {}
    for binding_id, sponsor_id in (*sponsors, new):
        person = personal_of(reads, vault, sponsor_id)
        names[binding_id] = person.name if person is not None else ""
    return by_name(names)


class Parties(NamedTuple):
    """Sponsor and beneficiary, or guardian and member."""

    giver: StreamId
    taker: StreamId


def is_stranger(
    reads: ReadSet, vault: Vault, caller: Caller, me: StreamId, other: StreamId
) -> bool:
    """Whether a caller, acting for one person, may not know whether another exists.

    They may know of relatives, current and past bindings, open invitations, and an agency of its
    region's persons.
    """
    is_kin = registered(reads, vault, me, other) is not None
    mine = reads.account(me)
    bound = {link.beneficiary for link in mine.beneficiaries}
    bound |= {link.sponsor for link in mine.sponsors} | {past.beneficiary for past in mine.ever}
    if me == other or is_kin or other in bound:
        return False
    if caller.role is Role.AGENCY and is_of_agency(reads, caller, other):
        return False
    try:
        return all(sponsor != me for _, sponsor in reads.account(other).invitations)
    except UnknownError:
        return True


def may_know(
    reads: ReadSet, vault: Vault, caller: Caller, sides: Parties, *, is_known: bool
) -> bool:
    """Whether a caller may know that the taker exists; the giver's statement is not enough.

    `is_known`: the taker or an authority has confirmed the binding or link.
    """
    if is_known or caller.role is Role.AUDITOR:
        return True
    if caller.role is Role.AGENCY:
        return is_of_agency(reads, caller, sides.taker)
    return find_person(reads, vault, caller.subject) != sides.giver


class Acting(NamedTuple):
    """The side a caller acts as; `on_behalf_of` is None for the caller's own account."""

    side: StreamId
    on_behalf_of: StreamId | None


def acting_side(
    reads: ReadSet, vault: Vault, caller: Caller, sides: Parties, now: Instant
) -> Acting:
    """The side the caller acts as: their own, a minor child's, or one of an agency's region.

    Raises:
        UnknownError: neither side.
    """
    check_role(caller, Role.PERSON, Role.AGENCY)
    if caller.role is Role.AGENCY:
        own_sides = [side for side in sides if is_of_agency(reads, caller, side)]
        if not own_sides:
            raise UnknownError
        return Acting(own_sides[0], own_sides[0])
    me = find_person(reads, vault, caller.subject)
    if me in sides:
        return Acting(me, None)
    if is_parent_of_minor(reads, vault, me, sides.taker, now):
        return Acting(sides.taker, sides.taker)
    raise UnknownError


def is_of_agency(reads: ReadSet, caller: Caller, side: StreamId) -> bool:
    """Whether a side exists and is of an agency's region."""
    if caller.region is None:
        return True
    try:
        return reads.account(side).region == caller.region
    except UnknownError:
        return False


def check_sees(reads: ReadSet, vault: Vault, caller: Caller, sides: Parties, now: Instant) -> None:
    """Allow the two sides, a minor taker's parent, their agencies, and auditors.

    Raises:
        UnknownError: the caller is none of them.
    """
    if caller.role is not Role.AUDITOR:
        acting_side(reads, vault, caller, sides, now)


def check_side(
    reads: ReadSet, vault: Vault, caller: Caller, of: tuple[StreamId, Parties], now: Instant
) -> StreamId | None:
    """Allow one side, its parent if it is a minor taker, or its agency; on whose behalf they act.

    Raises:
        UnknownError: the caller is on neither side; NotPermittedError: on the other side only.
    """
    side, sides = of
    acting = acting_side(reads, vault, caller, sides, now)
    if caller.role is Role.AGENCY:
        check_region(caller, reads.account(side))
        return side
    if acting.side == side:
        return acting.on_behalf_of
    me = find_person(reads, vault, caller.subject)
    if side == sides.taker and is_parent_of_minor(reads, vault, me, side, now):
        return side
    raise NotPermittedError
