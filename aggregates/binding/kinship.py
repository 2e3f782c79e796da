"""The kinship register: a person's relatives, one stream per person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.refusals import EvidenceInvalidError, KinshipUnprovenError
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


class KinshipShown(NamedTuple):
    """The evidence a sponsor shows of a kinship, and the registered relation."""

    kind: KinshipEvidence | None
    reference: str | None
    registered: Relation | None


def agency_evidence(relation: Relation, accepted: Sequence[KinshipEvidence]) -> KinshipShown:
    """The evidence of a binding that an agency checked and enters."""
    if KinshipEvidence.DATA_CHECK in accepted:
        return KinshipShown(None, None, relation)
    kind = KinshipEvidence.DOCUMENT if KinshipEvidence.DOCUMENT in accepted else None
    return KinshipShown(kind, "agency", None)


class Traits(NamedTuple):
    """What an ID number contains: sex and date of birth."""

    sex: ParentSex | None
    born_on: date | None


def evidence_for(
    relation: Relation, shown: KinshipShown, accepted: Sequence[KinshipEvidence]
) -> KinshipEvidence:
    """The evidence that proves a kinship in a region (policy.md §3.2 `kinship_evidence`).

    Evidence that the sponsor names comes first; then the register; then a promise, where the
    region accepts one.

    Raises:
        KinshipUnprovenError: no accepted evidence proves it; EvidenceInvalidError: a kind that
        the region does not accept, or a document without reference.
    """
    if shown.kind is not None and shown.kind not in accepted:
        raise EvidenceInvalidError(field="evidence")
    if shown.kind is KinshipEvidence.DOCUMENT and not shown.reference:
        raise EvidenceInvalidError(field="evidence.reference")
    if shown.kind in (KinshipEvidence.DOCUMENT, KinshipEvidence.PROMISE):
        return shown.kind
    if KinshipEvidence.DATA_CHECK in accepted and _agrees(relation, shown.registered):
        return KinshipEvidence.DATA_CHECK
    if shown.kind is None and KinshipEvidence.PROMISE in accepted:
        return KinshipEvidence.PROMISE
    raise KinshipUnprovenError(relation=relation)


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


def _agrees(relation: Relation, registered: Relation | None) -> bool:
    """Whether the registered relation matches; either may leave a grandparent's line open."""
    if registered is None:
        return False
    return registered.startswith(relation) or relation.startswith(registered)
