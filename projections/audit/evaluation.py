"""Judging a batch of facts, each by what was there before it. Pure but for what it has known."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aggregates.account.events import AccountOpened
from aggregates.institution import InstitutionDesignated
from aggregates.settlement.events import Settled
from aggregates.vocabulary import BEIJING, StreamId
from projections.audit.aid_share import Month, shares
from projections.audit.observations import BUSY, BUSY_MAX, Trace, owner_in, traces
from projections.audit.rules import signals
from projections.audit.thresholds import Signal
from projections.kit.recorded_event import RecordedEvent


class Home(NamedTuple):
    """The region of an account or institution, and the institution's kind."""

    region: str
    kind: str


class Pages(NamedTuple):
    """A journal as rules may see it: what is rare, all of it; of what is busy the newest."""

    rare: list[Trace]
    busy: deque[Trace]

    def add(self, trace: Trace) -> list[Trace]:
        """The journal with one more trace, which stands last."""
        if trace.what in BUSY:
            self.busy.append(trace)
            return [*self.rare, *self.busy]
        self.rare.append(trace)
        return [*self.busy, *self.rare]


def no_pages() -> Pages:
    """A journal of which nothing is known."""
    return Pages([], deque(maxlen=BUSY_MAX))


@dataclass(slots=True)
class SignalState:
    """What a batch of facts is judged on; it grows with each of them."""

    homes: dict[StreamId, Home]
    owners: dict[StreamId, StreamId]
    months: dict[tuple[str, StreamId], Month]
    journals: dict[StreamId, Pages]
    newest: str


Evaluated = list[tuple[RecordedEvent, list[Trace]]]


def tell(known: SignalState, facts: Iterable[RecordedEvent]) -> Evaluated:
    """What facts leave behind, in their order, by where institutions and streams belong then."""
    told: Evaluated = []
    for fact in facts:
        match fact.event:
            case AccountOpened(region=region):
                known.homes[fact.stream] = Home(region, "")
            case InstitutionDesignated(region=region, kind=kind):
                known.homes[fact.stream] = Home(region, kind)
            case _:
                pass
        owner = owner_in(fact)
        if owner is not None:
            known.owners[fact.stream] = owner
        told.append((fact, list(traces(fact, _kind(known, fact), known.owners.get(fact.stream)))))
    return told


def judge(known: SignalState, told: Evaluated) -> list[Signal]:
    """Judge each trace by what was there before it."""
    found: list[Signal] = []
    for fact, left in told:
        if isinstance(fact.event, Settled):
            found += _month(known, fact, fact.event, _kind(known, fact))
        for trace in left:
            pages = known.journals.get(trace.entity)
            if pages is None:
                pages = known.journals[trace.entity] = no_pages()
            found += signals(pages.add(trace))
    return found


def _kind(known: SignalState, fact: RecordedEvent) -> str:
    if not isinstance(fact.event, Settled):
        return ""
    home = known.homes.get(fact.event.claim.institution)
    return "" if home is None else home.kind


def month_of(bill: Settled) -> str:
    """The month in Beijing that a bill counts for, as 2026-03."""
    return bill.settled_at.astimezone(BEIJING).strftime("%Y-%m")


def _month(known: SignalState, fact: RecordedEvent, event: Settled, kind: str) -> list[Signal]:
    """Count a bill into its institution's month; the first of a new month compares the last."""
    month = month_of(event)
    over = [m for m in known.months.values() if m.month == known.newest < month]
    known.newest = max(known.newest, month)
    place = event.claim.institution
    before = known.months.get((month, place), Month(place, month, kind, 0, 0, 0, 0))
    known.months[month, place] = before._replace(
        kind=kind,
        bills=before.bills + 1,
        own_fen=before.own_fen + event.own_fen,
        aid_fen=before.aid_fen + event.aid_fen,
        last=fact.position,
    )
    return list(shares(sorted(over), fact.position))
