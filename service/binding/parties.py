"""Who takes part in a tie of two: its sides, whom the caller is or acts for, and their kinship."""

from dataclasses import dataclass
from typing import NamedTuple

from aggregates.binding.binding import Kin, Offer
from aggregates.binding.eligibility import Side
from aggregates.binding.expiry import swept
from aggregates.binding.kinship import parent_in
from aggregates.refusals import NotPermittedError, UnknownError
from aggregates.vocabulary import Instant, KinshipEvidence, StreamId
from service.binding.kinship import is_parent_of_minor, registered, shown_for, traits_of
from service.caller import Caller, Role, check_region, check_role
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person, own_region
from service.policy import edition_in_force
from service.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A sponsor's offer to a person. `sponsor` is a person number; None is the caller himself.

    `consent` is the version of the text that the sponsor agreed to.
    """

    sponsor: str | None
    beneficiary: str
    offer: Offer
    evidence: tuple[KinshipEvidence | None, str | None] = (None, None)
    consent: str | None = None


def kin_of(
    reads: ReadSet, vault: Vault, command: Invite, parties: tuple[StreamId, StreamId]
) -> Kin:
    """How sponsor and beneficiary are related, as shown and registered."""
    mine, theirs = (traits_of(reads, vault, party) for party in parties)
    shown = shown_for(reads, vault, *parties, command.evidence)
    return Kin(shown, parent_in(command.offer.relation, mine, theirs))


def party(reads: ReadSet, vault: Vault, caller: Caller, person_no: str | None) -> StreamId:
    """The account that acts: the caller's own, or for an agency the one it names."""
    if caller.role is Role.PERSON:
        if person_no not in (None, caller.subject):
            raise UnknownError
        return find_person(reads, vault, caller.subject)
    if person_no is None:
        raise UnknownError(what="sponsor")
    return own_region(reads, vault, caller, person_no)[0]


def side_of(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> Side:
    """One party as the log has it, with its region's rules of today."""
    account = reads.account(account_id)
    return Side(account_id, account, edition_in_force(reads, vault, account.region, now))


def swept_side(
    reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant
) -> tuple[Side, StreamEvents]:
    """One party without its lapsed ties, and the events that write it down."""
    account, events = swept(reads.account(account_id), reads.binding, now)
    side = Side(account_id, account, edition_in_force(reads, vault, account.region, now))
    return side, [(account_id, event) for event in events]


class Parties(NamedTuple):
    """Who gives and who takes: sponsor and beneficiary, or guardian and member."""

    giver: StreamId
    taker: StreamId


def is_stranger(
    reads: ReadSet, vault: Vault, caller: Caller, me: StreamId, other: StreamId
) -> bool:
    """Whether a caller, acting for one person, may not know whether another is there.

    The register, a tie of today or once, an open invitation, and an agency's own region tell him.
    """
    is_kin = registered(reads, vault, me, other) is not None
    mine = reads.account(me)
    ties = {tie.beneficiary for tie in mine.ever} | {tie.beneficiary for tie in mine.beneficiaries}
    if me == other or is_kin or other in ties | {tie.sponsor for tie in mine.sponsors}:
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
    """The side a caller takes, and the account he acts for where it is not his own."""

    side: StreamId
    on_behalf_of: StreamId | None


def acting_side(
    reads: ReadSet, vault: Vault, caller: Caller, sides: Parties, now: Instant
) -> Acting:
    """Which side the caller is, or acts for: his own, a child's under age, or his region's.

    Raises:
        UnknownError: neither.
    """
    check_role(caller, Role.PERSON, Role.AGENCY)
    if caller.role is Role.AGENCY:
        near = [s for s in sides if is_of_agency(reads, caller, s)]
        if not near:
            raise UnknownError
        return Acting(near[0], near[0])
    me = find_person(reads, vault, caller.subject)
    if me in sides:
        return Acting(me, None)
    if is_parent_of_minor(reads, vault, me, sides.taker, now):
        return Acting(sides.taker, sides.taker)
    raise UnknownError


def is_of_agency(reads: ReadSet, caller: Caller, side: StreamId) -> bool:
    """Whether a side is a person of an agency's region; who is not there is of none."""
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
    """Let one side alone act, a minor's parent, or its agency; for whom he acts.

    Raises:
        UnknownError: the tie is not the caller's; NotPermittedError: the other side's to do.
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
