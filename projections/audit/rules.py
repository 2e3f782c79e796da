"""The auditors' rules (policy.md §6.4): each reads one journal and its newest trace.

A signal says that something is worth a look, not that somebody did wrong. A rule fires when its
condition begins to hold, so that one pattern raises one signal. Rules are pure and see only older
traces: every run over the same log raises the same signals.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from aggregates.vocabulary import BEIJING, BindingStatus, Ending, Relation, StreamId
from projections.audit.observations import PHARMACY, ObservationKind, Trace
from projections.audit.thresholds import LIMITS, Signal, SignalKind

Journal = Sequence[Trace]
SignalEvidence = tuple[list[Trace], dict[str, int]]


class Rule(NamedTuple):
    """The kinds of trace that run a rule, its condition, and whether that lasts once it holds."""

    runs_at: tuple[ObservationKind, ...]
    evidence: Callable[[Journal, dict[str, int]], SignalEvidence | None]
    lasts: bool


def signals(journal: Journal) -> Iterator[Signal]:
    """The signals that the newest trace of a journal raises."""
    newest = journal[-1]
    for kind, rule in RULES.items():
        if newest.what not in rule.runs_at:
            continue
        numbers = LIMITS[kind].numbers
        evidence = rule.evidence(journal, numbers)
        if evidence is not None and not (rule.lasts and _held_before(journal, rule, numbers)):
            yield _signal(kind, newest.position, *evidence)


def _held_before(journal: Journal, rule: Rule, numbers: dict[str, int]) -> bool:
    """Whether a rule held when it ran last, at an earlier trace."""
    for size in range(len(journal) - 1, 0, -1):
        if journal[size - 1].what in rule.runs_at:
            return rule.evidence(journal[:size], numbers) is not None
    return False


def _signal(
    kind: SignalKind, position: int, shown: Sequence[Trace], figures: dict[str, int]
) -> Signal:
    """A signal with what its traces name, each once, in their order."""
    parties = [party for trace in shown for party in (trace.entity, *trace.parties)]
    return Signal(
        kind=kind,
        position=position,
        accounts=tuple(dict.fromkeys(p for p in parties if p.startswith("acc_"))),
        settlements=tuple(dict.fromkeys(t.stream for t in shown if t.stream.startswith("stl_"))),
        places=tuple(dict.fromkeys(t.place for t in shown if t.place is not None)),
        positions=tuple(dict.fromkeys(trace.position for trace in shown)),
        figures=figures,
    )


def _lately(journal: Journal, what: ObservationKind, within: timedelta) -> list[Trace]:
    since = journal[-1].at - within
    return [trace for trace in journal if trace.what is what and trace.at >= since]


def _days(numbers: dict[str, int]) -> timedelta:
    return timedelta(days=numbers["days"])


def _sum(traces: Sequence[Trace]) -> int:
    return sum(trace.amount_fen for trace in traces)


def _family_burst(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Patients of one family at one pharmacy within minutes; a shared account makes a family."""
    sold = _lately(journal, ObservationKind.SOLD, timedelta(minutes=numbers["minutes"]))
    family = [sold[-1]]
    parties = set(family[0].parties)
    while more := [t for t in sold if t not in family and parties.intersection(t.parties)]:
        family += more
        parties.update(party for trace in more for party in trace.parties)
    patients = {trace.parties[0] for trace in family}
    is_new = sold[-1].parties[0] not in {trace.parties[0] for trace in family[1:]}
    if len(patients) != numbers["patients"] or not is_new:
        return None
    figures = {"patients": len(patients), "paid_fen": _sum(family)}
    return sorted(family, key=lambda trace: trace.position), figures


def _drained(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """A short binding in which nearly all of the sponsor's money went to one place."""
    confirmed = [trace for trace in journal if trace.what is ObservationKind.CONFIRMED]
    gave = [trace for trace in journal if trace.what is ObservationKind.GAVE]
    released = journal[-1]
    if released.word != BindingStatus.RELEASED or not (confirmed and gave):
        return None
    if released.at - confirmed[-1].at > _days(numbers):
        return None
    had_fen = gave[0].limit_fen or 0
    by_place: dict[StreamId | None, int] = {}
    for trace in gave:
        by_place[trace.place] = by_place.get(trace.place, 0) + trace.amount_fen
    most_fen = max(by_place.values())
    if most_fen * 100 < had_fen * numbers["percent"]:
        return None
    return [confirmed[-1], *gave, released], {"had_fen": had_fen, "gave_fen": most_fen}


def _hub(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Many sponsors of one beneficiary at the same time."""
    parted = {trace.stream for trace in journal if trace.what is ObservationKind.PARTED}
    live = [t for t in journal if t.what is ObservationKind.SPONSORED and t.stream not in parted]
    if len(live) < numbers["sponsors"]:
        return None
    return live, {"sponsors": len(live)}


def _churn(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """A sponsor with many different beneficiaries."""
    lends = _lately(journal, ObservationKind.LENDS, _days(numbers))
    different = {trace.parties[0] for trace in lends}
    if len(different) < numbers["beneficiaries"]:
        return None
    return lends, {"beneficiaries": len(different)}


def _after_death(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Treatment after the day of death, whichever of the two was recorded first."""
    died = [t for t in journal if t.what is ObservationKind.ENDED and t.word == Ending.DECEASED]
    if not died:
        return None
    candidates = journal if journal[-1].what is ObservationKind.ENDED else journal[-1:]
    late = [t for t in candidates if t.what is ObservationKind.BILL and t.on > died[-1].on]
    if len(late) < numbers["settlements"]:
        return None
    return [died[-1], *late], {"settlements": len(late), "paid_fen": _sum(late)}


def _under_cap(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Repeated bills a little under the sponsor's cap on one bill."""
    caps = [trace.limit_fen for trace in journal if trace.what is ObservationKind.GRANTED]
    cap_fen = caps[-1] if caps else None
    if not cap_fen:
        return None
    near = [
        trace
        for trace in _lately(journal, ObservationKind.GAVE, _days(numbers))
        if cap_fen * numbers["percent"] <= trace.amount_fen * 100 < cap_fen * 100
    ]
    if len(near) < numbers["times"]:
        return None
    return near, {"cap_fen": cap_fen, "times": len(near)}


def _exact(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Repeated bills that equal, to the fen, what the payers had."""
    if not journal[-1].is_exact:
        return None
    bills = _lately(journal, ObservationKind.BILL, _days(numbers))[-numbers["times"] :]
    if len(bills) < numbers["times"] or not all(bill.is_exact for bill in bills):
        return None
    return bills, {"times": len(bills), "paid_fen": _sum(bills)}


def _quick_refund(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Repeated purchases that were returned within hours.

    Rules see only the newest busy traces: a return whose bill is not among them does not count.
    """
    bought = {trace.stream: trace for trace in journal if trace.what is ObservationKind.BILL}
    quick = {
        back.stream: back
        for back in _lately(journal, ObservationKind.RETURNED, _days(numbers))
        if back.stream in bought
        and back.at - bought[back.stream].at <= timedelta(hours=numbers["hours"])
    }
    if journal[-1].stream not in quick or len(quick) < numbers["times"]:
        return None
    shown = [trace for back in quick.values() for trace in (bought[back.stream], back)]
    return shown, {"times": len(quick)}


def _night(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """Repeated bills of one patient at one pharmacy at night."""
    newest = journal[-1]
    if not _is_at_night(newest, numbers):
        return None
    at_night = [
        trace
        for trace in _lately(journal, ObservationKind.BILL, _days(numbers))
        if trace.place == newest.place and _is_at_night(trace, numbers)
    ]
    if len(at_night) < numbers["times"]:
        return None
    return at_night, {"times": len(at_night), "paid_fen": _sum(at_night)}


def _is_at_night(bill: Trace, numbers: dict[str, int]) -> bool:
    """Whether a bill is a pharmacy's, at night."""
    if bill.word != PHARMACY:
        return False
    hour = bill.at.astimezone(BEIJING).hour
    return hour >= numbers["from_hour"] or hour < numbers["to_hour"]


def _kinship(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """More parents or spouses than a person can have."""
    live: dict[StreamId, Trace] = {}
    for trace in journal:
        if trace.what is ObservationKind.KIN:
            live[trace.parties[0]] = trace
        elif trace.what is ObservationKind.UNKIN:
            live.pop(trace.parties[0], None)
    parents = [trace for trace in live.values() if trace.word == Relation.PARENT]
    spouses = [trace for trace in live.values() if trace.word == Relation.SPOUSE]
    too_many = [
        *(parents if len(parents) > numbers["parents"] else ()),
        *(spouses if len(spouses) > numbers["spouses"] else ()),
    ]
    return (too_many, {"parents": len(parents), "spouses": len(spouses)}) if too_many else None


def _lent(journal: Journal, numbers: dict[str, int]) -> SignalEvidence | None:
    """A guardian who shows a member's code for months."""
    shown = _lately(journal, ObservationKind.SHOWN, 2 * _days(numbers))
    lasted = shown[-1].at - shown[0].at
    if len(shown) < numbers["displays"] or lasted < _days(numbers):
        return None
    return shown, {"displays": len(shown), "days": lasted.days}


RULES: dict[SignalKind, Rule] = {
    SignalKind.FAMILY_BURST: Rule((ObservationKind.SOLD,), _family_burst, lasts=False),
    SignalKind.DRAINED_BINDING: Rule((ObservationKind.RELEASED,), _drained, lasts=False),
    SignalKind.SPONSOR_HUB: Rule((ObservationKind.SPONSORED,), _hub, lasts=True),
    SignalKind.BENEFICIARY_CHURN: Rule((ObservationKind.LENDS,), _churn, lasts=True),
    SignalKind.AFTER_DEATH: Rule(
        (ObservationKind.BILL, ObservationKind.ENDED), _after_death, lasts=False
    ),
    SignalKind.JUST_UNDER_CAP: Rule((ObservationKind.GAVE,), _under_cap, lasts=True),
    SignalKind.EXACT_BALANCE: Rule((ObservationKind.BILL,), _exact, lasts=True),
    SignalKind.QUICK_REFUND: Rule((ObservationKind.RETURNED,), _quick_refund, lasts=True),
    SignalKind.NIGHT_HOURS: Rule((ObservationKind.BILL,), _night, lasts=True),
    SignalKind.KINSHIP_CONTRADICTION: Rule((ObservationKind.KIN,), _kinship, lasts=True),
    SignalKind.LENT_CREDENTIAL: Rule((ObservationKind.SHOWN,), _lent, lasts=True),
}
"""The rules that read one journal; `aid_share.py` compares institutions."""
