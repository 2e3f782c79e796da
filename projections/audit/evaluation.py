"""Evaluates a batch of events by the rules, each event by the state before it."""

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
    """The traces of a journal that rules see: all rare ones, and the newest of the busy ones."""

    rare: list[Trace]
    busy: deque[Trace]

    def add(self, trace: Trace) -> list[Trace]:
        """Add a trace; the journal with that trace at its end."""
        if trace.what in BUSY:
            self.busy.append(trace)
            return [*self.rare, *self.busy]
        self.rare.append(trace)
        return [*self.busy, *self.rare]


def no_pages() -> Pages:
    """An empty journal."""
    return Pages([], deque(maxlen=BUSY_MAX))


@dataclass(slots=True)
class SignalState:
    """The state that events are evaluated on; each event is added to it."""

    homes: dict[StreamId, Home]
    owners: dict[StreamId, StreamId]
    months: dict[tuple[str, StreamId], Month]
    journals: dict[StreamId, Pages]
    newest: str


Observed = list[tuple[RecordedEvent, list[Trace]]]


def observe(state: SignalState, events: Iterable[RecordedEvent]) -> Observed:
    """The traces of events, in their order, by the institutions and owners as of each event."""
    observed: Observed = []
    for recorded in events:
        match recorded.event:
            case AccountOpened(region=region):
                state.homes[recorded.stream] = Home(region, "")
            case InstitutionDesignated(region=region, kind=kind):
                state.homes[recorded.stream] = Home(region, kind)
            case _:
                pass
        owner = owner_in(recorded)
        if owner is not None:
            state.owners[recorded.stream] = owner
        owner = state.owners.get(recorded.stream)
        observed.append((recorded, list(traces(recorded, _kind(state, recorded), owner))))
    return observed


def evaluate(state: SignalState, observed: Observed) -> list[Signal]:
    """The signals of traces, each evaluated by the state before it."""
    raised: list[Signal] = []
    for recorded, new in observed:
        if isinstance(recorded.event, Settled):
            raised += _month(state, recorded, recorded.event, _kind(state, recorded))
        for trace in new:
            pages = state.journals.get(trace.entity)
            if pages is None:
                pages = state.journals[trace.entity] = no_pages()
            raised += signals(pages.add(trace))
    return raised


def _kind(state: SignalState, recorded: RecordedEvent) -> str:
    if not isinstance(recorded.event, Settled):
        return ""
    home = state.homes.get(recorded.event.claim.institution)
    return "" if home is None else home.kind


def month_of(bill: Settled) -> str:
    """The month in Beijing that a bill counts for, like 2026-03."""
    return bill.settled_at.astimezone(BEIJING).strftime("%Y-%m")


def _month(state: SignalState, recorded: RecordedEvent, event: Settled, kind: str) -> list[Signal]:
    """Add a bill to its institution's month; the first bill of a month compares the last month."""
    month = month_of(event)
    over = [m for m in state.months.values() if m.month == state.newest < month]
    state.newest = max(state.newest, month)
    place = event.claim.institution
    sums = state.months.get((month, place), Month(place, month, kind, 0, 0, 0, 0))
    state.months[month, place] = sums._replace(
        kind=kind,
        bills=sums.bills + 1,
        own_fen=sums.own_fen + event.own_fen,
        aid_fen=sums.aid_fen + event.aid_fen,
        last=recorded.position,
    )
    return list(shares(sorted(over), recorded.position))
