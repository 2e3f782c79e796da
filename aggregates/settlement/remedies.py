"""What would have lowered the cash part of a bill: the smallest changes, each decided anew.

A change is one act of the family: setting the order, raising a cap, filing for care elsewhere,
confirming an invitation in time, or going to another place. Changes are tried alone, then two and
three together. A set counts only if no part of it lowers the cash part, so every member is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from itertools import combinations, product
from typing import NamedTuple

from aggregates.account.events import BeneficiaryLinked, FilingMade, SponsorLinked
from aggregates.account.fold import evolve
from aggregates.account.state import SponsorLink
from aggregates.binding.binding import Binding, confirm
from aggregates.binding.binding import evolve as fold_binding
from aggregates.binding.deduction_order import SET_BY_HAND, change_order
from aggregates.binding.eligibility import Side
from aggregates.policy.choices import EffectiveDelay
from aggregates.pool.pool import Pool
from aggregates.refusals import RefusalError
from aggregates.settlement.cascade import Split
from aggregates.settlement.events import Claim
from aggregates.settlement.family import Family, Sponsor
from aggregates.settlement.place_of_care import PlaceOfCare, is_filed, person_classes
from aggregates.settlement.settlement import split_claim
from aggregates.vocabulary import (
    FEN_MAX,
    BindingStatus,
    FilingKind,
    Instant,
    StreamId,
    instant,
)

TOGETHER_MAX = 3
"""Changes tried together."""
DECISIONS_MAX = 2_000
"""Decisions of one search; a family with more possible changes gets a part of the answer."""
CAP_NAMES = ("per_settlement_fen", "per_day_fen", "per_month_fen", "per_year_fen")


class Lever(StrEnum):
    """What a family could have done otherwise."""

    ORDER = "order"
    CAP = "cap"
    FILING = "filing"
    CONFIRMATION = "confirmation"
    PLACE = "place"


class DecidedBill(NamedTuple):
    """A bill as it was decided; `invited` are sponsors whose invitations were not confirmed.

    The link of an invited sponsor is the one that a confirmation would have made.
    """

    claim: Claim
    family: Family
    place: PlaceOfCare
    now: Instant
    invited: tuple[Sponsor, ...] = ()

    def split(self) -> Split:
        """The real decision."""
        return split_claim(self.claim, self.family, self.place, self.now).split


class FamilyChange(NamedTuple):
    """One change. Only the members of its lever are set.

    `binding` is whose cap is raised, who is confirmed, or who pays first. `cap` is one of
    `CAP_NAMES` and `to_fen` its least value with this effect; None is no cap. `region` and
    `institution` are the other place; an empty institution is any designated one there.
    """

    lever: Lever
    binding: StreamId | None = None
    cap: str | None = None
    to_fen: int | None = None
    filing: FilingKind | None = None
    region: str = ""
    institution: str = ""


class Remedy(NamedTuple):
    """Changes that together would have lowered the cash part, and the split that they give."""

    changes: tuple[FamilyChange, ...]
    split: Split


class Remedies(NamedTuple):
    """All minimal remedies, the fewest changes first; not `complete` if the search was cut."""

    found: tuple[Remedy, ...]
    complete: bool


def remedies_of(bill: DecidedBill) -> Remedies:
    """The minimal remedies of a bill; of alternatives in one change, the one that saves most."""
    cash_fen = bill.split().cash_fen
    if cash_fen == 0:
        return Remedies((), complete=True)
    found: list[Remedy] = []
    slots = _slots(bill)
    needed: list[frozenset[int]] = []
    left = DECISIONS_MAX
    for size in range(1, TOGETHER_MAX + 1):
        for chosen in combinations(range(len(slots)), size):
            if any(parts <= set(chosen) for parts in needed):
                continue
            tries = [*product(*(slots[at] for at in chosen))]
            left -= len(tries)
            if left < 0:
                return Remedies(_exact(bill, found), complete=False)
            best = _best(bill, tries)
            if best is not None and best.split.cash_fen < cash_fen:
                needed.append(frozenset(chosen))
                found.append(best)
    return Remedies(_exact(bill, found), complete=True)


def changed_by(bill: DecidedBill, changes: Sequence[FamilyChange]) -> DecidedBill | None:
    """A bill after some changes; None where the rules refuse one of them."""
    for change in sorted(changes, key=lambda change: change.lever is Lever.ORDER):
        changed = _changed(bill, change)
        if changed is None:
            return None
        bill = changed
    return bill


def possible_changes(bill: DecidedBill) -> tuple[tuple[FamilyChange, ...], ...]:
    """The changes that the family could have made, alternatives of one another together."""
    return tuple(_slots(bill))


# ------------------------------------------------------------------ the search


def _best(bill: DecidedBill, tries: Sequence[tuple[FamilyChange, ...]]) -> Remedy | None:
    best: Remedy | None = None
    for changes in tries:
        changed = changed_by(bill, changes)
        if changed is not None:
            split = changed.split()
            if best is None or split.cash_fen < best.split.cash_fen:
                best = Remedy(changes, split)
    return best


def _exact(bill: DecidedBill, found: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """The remedies with every cap raised only as far as its effect needs."""
    return tuple(_least_caps(bill, remedy) for remedy in found)


def _least_caps(bill: DecidedBill, remedy: Remedy) -> Remedy:
    changes = list(remedy.changes)
    for at, change in enumerate(changes):
        if change.lever is not Lever.CAP:
            continue
        low, high = -1, FEN_MAX
        while high - low > 1:
            middle = (low + high) // 2
            changes[at] = change._replace(to_fen=middle)
            changed = changed_by(bill, changes)
            enough = changed is not None and changed.split().cash_fen <= remedy.split.cash_fen
            low, high = (low, middle) if enough else (middle, high)
        changes[at] = change._replace(to_fen=high)
    changed = changed_by(bill, changes)
    assert changed is not None, "a cap may always be raised"
    return Remedy(tuple(changes), changed.split())


# ------------------------------------------------------------------ what could be changed


def _slots(bill: DecidedBill) -> list[tuple[FamilyChange, ...]]:
    """Possible changes; those of one slot exclude each other."""
    slots: list[tuple[FamilyChange, ...]] = []
    sponsors = bill.family.sponsors.values()
    both = [s.link.binding for s in (*sponsors, *bill.invited)]
    if bill.family.edition.order.order_strategy in SET_BY_HAND and len(both) > 1:
        slots.append(tuple(FamilyChange(Lever.ORDER, binding) for binding in both))
    for sponsor in (*sponsors, *bill.invited):
        caps = sponsor.binding.caps
        slots += [
            (FamilyChange(Lever.CAP, sponsor.link.binding, cap),)
            for cap in CAP_NAMES
            if getattr(caps, cap) is not None
        ]
    slots += [(FamilyChange(Lever.CONFIRMATION, sponsor.link.binding),) for sponsor in bill.invited]
    if not bill.place.is_filed:
        slots.append(
            tuple(
                FamilyChange(Lever.FILING, filing=kind, region=bill.place.region)
                for kind in (FilingKind.TEMPORARY, FilingKind.LONG_TERM)
            )
        )
    places = tuple(_places(bill))
    return [*slots, places] if places else slots


def _places(bill: DecidedBill) -> Iterator[FamilyChange]:
    """Another place: the patient's own region, or an institution that a region lists."""
    here, home = bill.place, bill.family.account.region
    if here.region != home:
        yield FamilyChange(Lever.PLACE, region=home)
    editions = {s.edition.id: s.edition for s in (*bill.family.sponsors.values(), *bill.invited)}
    listed = (
        rule.institutions[0]
        for edition in editions.values()
        for rule in edition.place.place_scope
        if rule.institutions and here.institution not in rule.institutions
    )
    for institution, region in product(dict.fromkeys(listed), dict.fromkeys((here.region, home))):
        yield FamilyChange(Lever.PLACE, region=region, institution=institution)


# ------------------------------------------------------------------ the changes


def _changed(bill: DecidedBill, change: FamilyChange) -> DecidedBill | None:
    match change.lever:
        case Lever.ORDER:
            return _ordered(bill, change)
        case Lever.CAP:
            return _capped(bill, change)
        case Lever.CONFIRMATION:
            return _confirmed(bill, change)
        case Lever.FILING:
            return _filed(bill, change)
        case Lever.PLACE:
            place = bill.place._replace(
                region=change.region, institution=change.institution, opened_regions=()
            )
            return bill._replace(place=_placed(bill, place))


def _ordered(bill: DecidedBill, change: FamilyChange) -> DecidedBill | None:
    """The sponsor first, then the others in the order that was set, or by age."""
    family = bill.family
    account = family.account
    live = tuple(
        link
        for link in account.sponsors
        if family.sponsors[link.sponsor].binding.status_at(bill.now) is BindingStatus.ACTIVE
    )
    bound = {link.binding for link in live}
    rest = [b for b in account.order or () if b in bound and b != change.binding]
    assert change.binding is not None, "an order begins with a sponsor"
    try:
        ordered = change_order(account, live, (change.binding, *rest), None)
    except RefusalError:
        return None
    return bill._replace(family=family._replace(account=evolve(account, ordered)))


def _capped(bill: DecidedBill, change: FamilyChange) -> DecidedBill:
    family = bill.family
    sponsors = {who: _raised(sponsor, change) for who, sponsor in family.sponsors.items()}
    return bill._replace(
        family=family._replace(sponsors=sponsors),
        invited=tuple(_raised(sponsor, change) for sponsor in bill.invited),
    )


def _raised(sponsor: Sponsor, change: FamilyChange) -> Sponsor:
    if sponsor.link.binding != change.binding or change.cap is None:
        return sponsor
    caps = replace(sponsor.binding.caps, **{change.cap: change.to_fen})
    return sponsor._replace(binding=replace(sponsor.binding, caps=caps))


def _confirmed(bill: DecidedBill, change: FamilyChange) -> DecidedBill | None:
    """The invitation confirmed before the bill, if the rules allow it then."""
    family = bill.family
    (sponsor,) = (s for s in bill.invited if s.link.binding == change.binding)
    theirs = Side(sponsor.link.sponsor, sponsor.account, sponsor.edition)
    mine = Side(family.account_id, family.account, family.edition)
    try:
        agreed = confirm(sponsor.binding, theirs, mine, _in_time(sponsor, bill.now))
    except RefusalError:
        return None
    link = sponsor.link._replace(linked_at=agreed.confirmed_at)
    linked = SponsorLinked(
        binding=link.binding,
        sponsor=link.sponsor,
        relation=link.relation,
        parent=link.parent,
        linked_at=agreed.confirmed_at,
    )
    used = BeneficiaryLinked(
        binding=link.binding,
        beneficiary=family.account_id,
        relation=link.relation,
        parent=link.parent,
    )
    active = sponsor._replace(
        link=link,
        account=evolve(sponsor.account, used),
        binding=fold_binding(sponsor.binding, agreed),
    )
    return bill._replace(
        family=family._replace(
            account=evolve(family.account, linked),
            sponsors={**family.sponsors, link.sponsor: active},
            invitations=tuple(i for i in family.invitations if i[0] != link.binding),
        ),
        invited=tuple(s for s in bill.invited if s is not sponsor),
    )


def _in_time(sponsor: Sponsor, now: Instant) -> Instant:
    """When the invitation should have been confirmed: just before, or the day before.

    An invitation that was not sent by the day before cannot be confirmed then; the grant begins
    too late, and the decision says so.
    """
    terms = sponsor.edition.binding
    sent_at = sponsor.binding.expires_at - timedelta(hours=terms.invite_ttl_hours)
    at = min(now.at, sponsor.binding.expires_at)
    if terms.effective_delay is EffectiveDelay.NEXT_DAY:
        at = max(sent_at, min(at, now.at - timedelta(days=1)))
    return instant(at)


def _filed(bill: DecidedBill, change: FamilyChange) -> DecidedBill:
    assert change.filing is not None, "a filing has a kind"
    filing = FilingMade(place=change.region, kind=change.filing, from_on=bill.now.on, until_on=None)
    filed = evolve(bill.family.account, filing)
    bill = bill._replace(family=bill.family._replace(account=filed))
    return bill._replace(place=_placed(bill, bill.place))


def _placed(bill: DecidedBill, place: PlaceOfCare) -> PlaceOfCare:
    """A place with the patient's filings and classes there."""
    account, on = bill.family.account, bill.now.on
    return place._replace(
        is_filed=is_filed(account, place.region, on),
        person_classes=person_classes(account, place.region, on),
    )


def invited_sponsor(
    binding_id: StreamId, binding: Binding, side: Side, pool: Pool | None, now: Instant
) -> Sponsor:
    """The sponsor of an open invitation, as a confirmation now would link him; with his pool."""
    link = SponsorLink(binding_id, side.account_id, binding.relation, binding.parent, now.at)
    return Sponsor(link, side.account, binding, side.edition, pool)
