"""The kinship register: a person's relatives, one stream per person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.refusals import (
    EvidenceInvalidError,
    KinshipContradictedError,
    KinshipImpossibleError,
    KinshipUnprovenError,
)
from aggregates.vocabulary import KinshipEvidence, ParentSex, Relation, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipRecorded:
    """`relative` is entered as a relative of the person of this stream."""

    person: StreamId
    relative: StreamId
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipEnded:
    """The kinship is removed from the register."""

    relative: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipConfirmed:
    """The person's agency agrees to a kinship with a person of another region.

    `relation` is what `relative` is to the person; with `is_inverse` it is what the person is
    to `relative`, for relations without an inverse of their own.
    """

    person: StreamId
    relative: StreamId
    relation: Relation
    is_inverse: bool


MAJORITY = 18
"""Years of age from which a person is an adult."""
INVERSE = {
    Relation.SPOUSE: Relation.SPOUSE,
    Relation.PARENT: Relation.CHILD,
    Relation.CHILD: Relation.PARENT,
    Relation.SIBLING: Relation.SIBLING,
    Relation.GRANDPARENT: Relation.GRANDCHILD,
    Relation.GRANDCHILD: Relation.GRANDPARENT,
    Relation.GRANDPARENT_PATERNAL: Relation.GRANDCHILD_PATERNAL,
    Relation.GRANDPARENT_MATERNAL: Relation.GRANDCHILD_MATERNAL,
    Relation.GRANDCHILD_PATERNAL: Relation.GRANDPARENT_PATERNAL,
    Relation.GRANDCHILD_MATERNAL: Relation.GRANDPARENT_MATERNAL,
}
"""What a person is to a relative; parents-in-law have no inverse."""


class Agreed(NamedTuple):
    """A kinship that a person's agency agreed to; members as in `KinshipConfirmed`."""

    relative: StreamId
    relation: Relation
    is_inverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    """A person's relatives and their relations, and what the person's agency agreed to."""

    person: StreamId
    relatives: tuple[tuple[StreamId, Relation], ...]
    agreed: tuple[Agreed, ...] = ()

    def relation_of(self, relative: StreamId) -> Relation | None:
        """What `relative` is to this person, None where not registered."""
        return dict(self.relatives).get(relative)


KinshipEvent = KinshipRecorded | KinshipEnded | KinshipConfirmed


def from_side(person: StreamId, fact: KinshipRecorded) -> Agreed:
    """A fact from the side of `person`, who is its person or its relative."""
    if person == fact.person:
        return Agreed(fact.relative, fact.relation, is_inverse=False)
    inverse = INVERSE.get(fact.relation)
    return Agreed(fact.person, inverse or fact.relation, is_inverse=inverse is None)


def evolve(kinship: Kinship | None, event: KinshipEvent) -> Kinship:
    """Fold one event into a person's relatives. Never judges."""
    match event:
        case KinshipRecorded(person=person, relative=relative, relation=relation):
            before = kinship or Kinship(person=person, relatives=())
            others = tuple(pair for pair in before.relatives if pair[0] != relative)
            return replace(before, relatives=(*others, (relative, relation)))
        case KinshipConfirmed(person=person):
            before = kinship or Kinship(person=person, relatives=())
            agreed = Agreed(event.relative, event.relation, event.is_inverse)
            return replace(before, agreed=(*before.agreed, agreed))
        case KinshipEnded(relative=relative):
            assert kinship is not None, "only a recorded kinship ends"
            others = tuple(pair for pair in kinship.relatives if pair[0] != relative)
            return replace(kinship, relatives=others)


class Traits(NamedTuple):
    """What an ID number contains: sex and date of birth."""

    sex: ParentSex | None
    born_on: date | None


UNKNOWN_TRAITS = Traits(None, None)
"""Of a person without a resident's ID number, and of one whom the sponsor may not know."""


class KinshipShown(NamedTuple):
    """The evidence a sponsor shows of a kinship, and the registered relation.

    `traits` are the sponsor's and the beneficiary's; `is_checked`: an agency saw the evidence.
    """

    kind: KinshipEvidence | None
    reference: str | None
    registered: Relation | None
    traits: tuple[Traits, Traits] = (UNKNOWN_TRAITS, UNKNOWN_TRAITS)
    is_checked: bool = False


def agency_evidence(
    relation: Relation, registered: Relation | None, accepted: Sequence[KinshipEvidence]
) -> KinshipShown:
    """The evidence of a binding that an agency checked and enters.

    Raises:
        KinshipContradictedError: the register says otherwise.
    """
    check_uncontradicted(relation, registered)
    if KinshipEvidence.DATA_CHECK in accepted:
        return KinshipShown(None, None, relation, is_checked=True)
    kind = KinshipEvidence.DOCUMENT if KinshipEvidence.DOCUMENT in accepted else None
    return KinshipShown(kind, "agency", None, is_checked=True)


def evidence_for(
    relation: Relation, shown: KinshipShown, accepted: Sequence[KinshipEvidence]
) -> KinshipEvidence:
    """The evidence that proves a kinship in a region (policy.md §3.2 `kinship_evidence`).

    The register's word comes first, where the region asks it; then the evidence that the sponsor
    names; then a promise, where the region accepts one.

    Raises:
        KinshipUnprovenError: no accepted evidence proves it; KinshipContradictedError: the
        register contradicts a document or a promise; EvidenceInvalidError: a kind that the region
        does not accept, or a document without reference.
    """
    if shown.kind is not None and shown.kind not in accepted:
        raise EvidenceInvalidError(field="evidence")
    if shown.kind is KinshipEvidence.DOCUMENT and not shown.reference:
        raise EvidenceInvalidError(field="evidence.reference")
    if KinshipEvidence.DATA_CHECK in accepted and agrees(relation, shown.registered):
        return KinshipEvidence.DATA_CHECK
    kind = shown.kind
    if kind is None and KinshipEvidence.PROMISE in accepted:
        kind = KinshipEvidence.PROMISE
    if kind is None or kind is KinshipEvidence.DATA_CHECK:
        raise KinshipUnprovenError(relation=relation)
    check_uncontradicted(relation, shown.registered)
    return kind


def check_uncontradicted(relation: Relation, registered: Relation | None) -> None:
    """Check a claimed relation against the register, whose word wins (regions.md §3).

    Raises:
        KinshipContradictedError: the register has the two in another relation.
    """
    if registered is not None and not agrees(relation, registered):
        raise KinshipContradictedError(relation=relation)


PARENT_AGE, GRANDPARENT_AGE = 14, 28
"""Whole years by which a parent or grandparent is older at least (regions.md §3, own)."""
WEDDING_AGE = {ParentSex.FATHER: 22, ParentSex.MOTHER: 20}
"""Whole years from which a man or a woman may marry (Civil Code art. 1047)."""


def check_possible(relation: Relation, traits: tuple[Traits, Traits], on: date) -> None:
    """Check that ages and sexes by ID number fit a relation that no authority confirms.

    `traits` are the sponsor's and the beneficiary's. What an ID number does not tell is not
    checked; siblings and parents-in-law may have any age.

    Raises:
        KinshipImpossibleError: they do not fit.
    """
    sponsor, beneficiary = traits
    gap = GRANDPARENT_AGE if relation.startswith("GRAND") else PARENT_AGE
    if relation is Relation.SPOUSE:
        is_possible = all(_may_be_married(person, on) for person in traits)
    elif relation is Relation.PARENT or relation.startswith("GRANDPARENT"):
        is_possible = _is_older(beneficiary, sponsor, gap)
    elif relation is Relation.CHILD or relation.startswith("GRANDCHILD"):
        is_possible = _is_older(sponsor, beneficiary, gap)
    else:
        is_possible = True
    if not is_possible:
        raise KinshipImpossibleError(relation=relation)


def _may_be_married(person: Traits, on: date) -> bool:
    if person.sex is None or person.born_on is None:
        return True
    return age_on(person.born_on, on) >= WEDDING_AGE[person.sex]


def _is_older(elder: Traits, younger: Traits, years: int) -> bool:
    if elder.born_on is None or younger.born_on is None:
        return True
    return age_on(elder.born_on, younger.born_on) >= years


def parent_in(relation: Relation, sponsor: Traits, beneficiary: Traits) -> ParentSex | None:
    """Which parent one side is of the other, None for other relations."""
    if relation is Relation.PARENT:
        return beneficiary.sex
    return sponsor.sex if relation is Relation.CHILD else None


def is_minor(born_on: date | None, on: date) -> bool:
    """Whether a person is a minor on a day; an unknown date of birth counts as an adult."""
    return born_on is not None and age_on(born_on, on) < MAJORITY


def age_on(born_on: date, on: date) -> int:
    """Whole years of age on a day."""
    had_birthday = (on.month, on.day) >= (born_on.month, born_on.day)
    return on.year - born_on.year - (not had_birthday)


def agrees(relation: Relation, registered: Relation | None) -> bool:
    """Whether the registered relation matches; either may leave a grandparent's line open."""
    if registered is None:
        return False
    return registered.startswith(relation) or relation.startswith(registered)
