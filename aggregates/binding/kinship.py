"""The kinship register: what one person's relatives are to him, one stream per person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.refusals import EvidenceInvalidError, KinshipUnprovenError
from aggregates.vocabulary import KinshipEvidence, ParentSex, Relation, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipRecorded:
    """The register knows what `relative` is to the person of this stream."""

    person: StreamId
    relative: StreamId
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipEnded:
    """The register does not hold this kinship any more."""

    relative: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipConfirmed:
    """The agency of this person agrees to a kinship with somebody of another region.

    `relation` is what `relative` is to him; with `is_inverse` what he is to `relative`, for a
    relation without a word of its own the other way.
    """

    person: StreamId
    relative: StreamId
    relation: Relation
    is_inverse: bool


MAJORITY = 18
"""Years of age from which a person acts for himself."""
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
"""What a person is to his relative; parents-in-law have no word of their own the other way."""


class Agreed(NamedTuple):
    """A kinship that a person's agency agreed to; members as of `KinshipConfirmed`."""

    relative: StreamId
    relation: Relation
    is_inverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    """A person's relatives: what each is to him, and what his agency agreed to beforehand."""

    person: StreamId
    relatives: tuple[tuple[StreamId, Relation], ...]
    agreed: tuple[Agreed, ...] = ()

    def relation_of(self, relative: StreamId) -> Relation | None:
        """What somebody is to this person, as far as the register knows."""
        return dict(self.relatives).get(relative)


KinshipEvent = KinshipRecorded | KinshipEnded | KinshipConfirmed


def seen_from(person: StreamId, fact: KinshipRecorded) -> Agreed:
    """A fact as one of its two sides sees it: `person` is its person or its relative."""
    if person == fact.person:
        return Agreed(fact.relative, fact.relation, is_inverse=False)
    back = INVERSE.get(fact.relation)
    return Agreed(fact.person, back or fact.relation, is_inverse=back is None)


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
    """What a sponsor shows of a kinship, and what the register says of it."""

    kind: KinshipEvidence | None
    reference: str | None
    registered: Relation | None


def vouched(relation: Relation, accepted: Sequence[KinshipEvidence]) -> KinshipShown:
    """What counts as shown where an agency enters a binding that it checked itself."""
    if KinshipEvidence.DATA_CHECK in accepted:
        return KinshipShown(None, None, relation)
    kind = KinshipEvidence.DOCUMENT if KinshipEvidence.DOCUMENT in accepted else None
    return KinshipShown(kind, "agency", None)


class Traits(NamedTuple):
    """What an ID number tells that a rule needs: the sex, and the day of birth."""

    sex: ParentSex | None
    born_on: date | None


def evidence_for(
    relation: Relation, shown: KinshipShown, accepted: Sequence[KinshipEvidence]
) -> KinshipEvidence:
    """By what a kinship counts as shown in a region (policy.md §3.2 `kinship_evidence`).

    The register's word is best; a document needs its reference; a promise is enough where the
    region takes one.

    Raises:
        KinshipUnprovenError: nothing that the region accepts shows it;
        EvidenceInvalidError: a kind the region does not take, or a document without reference.
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
    """Which parent one side is of the other: the beneficiary of a child, or the sponsor."""
    if relation is Relation.PARENT:
        return beneficiary.sex
    return sponsor.sex if relation is Relation.CHILD else None


def is_minor(born_on: date | None, on: date) -> bool:
    """Whether somebody is under age on a day; whose birth is not known is of age."""
    if born_on is None:
        return False
    return age_on(born_on, on) < MAJORITY


def age_on(born_on: date, on: date) -> int:
    """Whole years of age on a day."""
    had_birthday = (on.month, on.day) >= (born_on.month, born_on.day)
    return on.year - born_on.year - (not had_birthday)


def _agrees(relation: Relation, registered: Relation | None) -> bool:
    """Whether the register's word is the relation; it may leave a grandparent's line unsaid."""
    if registered is None:
        return False
    return registered.startswith(relation) or relation.startswith(registered)
