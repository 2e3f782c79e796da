"""A visit (就诊): its registration, diagnoses and end, and the fee lines of its bills."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from aggregates.refusals import InputRefusedError, RuleRefusedError
from aggregates.vocabulary import CredentialProof, Setting, StreamId, VisitEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """One uploaded fee line (费用明细). Count and price are decimal texts, as they were sent."""

    line: str
    batch: str
    code: str
    amount_fen: int
    count: str
    price: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One diagnosis, by its code and its name in the catalogue."""

    rank: str
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRegistered:
    """A patient came: out-patient registration or admission. `number` is the institution's own.

    `shown_at_counter` is what proved the patient then, so that the visit's bills need nothing more.
    """

    institution: StreamId
    beneficiary: StreamId
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime
    shown_at_counter: CredentialProof = CredentialProof.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDescribed:
    """The visit's diagnoses were recorded; the newest replace those before."""

    med_type: str | None
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesUploaded:
    """Fee lines of the visit were uploaded."""

    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesWithdrawn:
    """Fee lines, by number, were withdrawn."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitClosed:
    """The visit ended: it was withdrawn, or the patient was discharged."""

    end: VisitEnd
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReopened:
    """A discharge was undone."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementListUploaded:
    """The settlement list (结算清单) of a bill of the visit came; a later one replaces it.

    `number` is this service's own of the bill's list, `digest` a keyed digest of all that it says.
    """

    settlement: StreamId
    number: str
    digest: str
    at: datetime


class FeesMismatchError(InputRefusedError):
    """The bill's total is not the sum of its uploaded fee lines; `uploaded` is, in fen."""


class VisitClosedError(RuleRefusedError):
    """The visit was withdrawn, or the patient was discharged."""


class VisitNotClosedError(RuleRefusedError):
    """The patient was not discharged, so there is nothing to undo."""


class BatchSettledError(RuleRefusedError):
    """The batch has a live bill, so its fee lines cannot change."""


class FeeRepeatedError(RuleRefusedError):
    """A fee line's number was used before in this visit."""


class FeesMissingError(RuleRefusedError):
    """There are no such fee lines."""


ALL_BATCHES = "0000"
"""What an institution sends for every batch that is not settled (2205)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The state of a visit."""

    institution: StreamId
    beneficiary: StreamId
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime
    diagnoses: tuple[Diagnosis, ...] = ()
    fees: tuple[Fee, ...] = ()
    end: VisitEnd | None = None
    ended_at: datetime | None = None
    proven_by: CredentialProof = CredentialProof.NONE
    lists: tuple[tuple[StreamId, str], ...] = ()
    """Each bill with a settlement list, and the newest list's digest."""

    @property
    def batches(self) -> tuple[str, ...]:
        """The charge batches that have fee lines, in the order they came."""
        return tuple(dict.fromkeys(fee.batch for fee in self.fees))

    def fees_of(self, batch: str | None) -> tuple[Fee, ...]:
        """The fee lines of a batch, or all of them."""
        return tuple(fee for fee in self.fees if batch in (None, fee.batch))


VisitEvent = (
    VisitRegistered
    | VisitDescribed
    | FeesUploaded
    | FeesWithdrawn
    | VisitClosed
    | VisitReopened
    | SettlementListUploaded
)


def evolve(visit: Visit | None, event: VisitEvent) -> Visit:
    """Fold one event into a visit; nothing is refused."""
    if isinstance(event, VisitRegistered):
        return Visit(
            institution=event.institution,
            beneficiary=event.beneficiary,
            setting=event.setting,
            number=event.number,
            department=event.department,
            med_type=event.med_type,
            began_at=event.began_at,
            proven_by=event.shown_at_counter,
        )
    assert visit is not None, "a visit begins with VisitRegistered"
    match event:
        case VisitDescribed(med_type=med_type, diagnoses=diagnoses):
            return replace(visit, med_type=med_type or visit.med_type, diagnoses=diagnoses)
        case FeesUploaded(fees=fees):
            return replace(visit, fees=visit.fees + fees)
        case FeesWithdrawn(lines=lines):
            withdrawn = frozenset(lines)
            return replace(visit, fees=tuple(f for f in visit.fees if f.line not in withdrawn))
        case VisitClosed() | VisitReopened():
            ended = (event.end, event.at) if isinstance(event, VisitClosed) else (None, None)
            return replace(visit, end=ended[0], ended_at=ended[1])
        case SettlementListUploaded(settlement=settlement, digest=digest):
            others = tuple(one for one in visit.lists if one[0] != settlement)
            return replace(visit, lists=(*others, (settlement, digest)))


def upload(visit: Visit, fees: Iterable[Fee], settled: Collection[str]) -> FeesUploaded:
    """Add fee lines; `settled` are the batches that have a live bill.

    Raises:
        VisitClosedError: the visit has ended; BatchSettledError: the batch has a bill;
        FeeRepeatedError: a line's number was used before.
    """
    check_open(visit)
    fees = tuple(fees)
    used = {fee.line for fee in visit.fees}
    for fee in fees:
        if fee.batch in settled:
            raise BatchSettledError(batch=fee.batch)
        if fee.line in used:
            raise FeeRepeatedError(line=fee.line)
        used.add(fee.line)
    return FeesUploaded(fees=fees)


def withdraw(
    visit: Visit, batch: str, lines: Iterable[str], settled: Collection[str]
) -> FeesWithdrawn:
    """Withdraw fee lines: these lines, or those of a batch, or of every batch not settled.

    Raises:
        BatchSettledError: cancel the bill first; FeesMissingError: there is no such line.
    """
    numbers = set(lines)
    if numbers:
        chosen = [fee for fee in visit.fees if fee.line in numbers]
    elif batch == ALL_BATCHES:
        chosen = [fee for fee in visit.fees if fee.batch not in settled]
    else:
        chosen = [fee for fee in visit.fees if fee.batch == batch]
    for fee in chosen:
        if fee.batch in settled:
            raise BatchSettledError(batch=fee.batch)
    if not chosen:
        raise FeesMissingError
    return FeesWithdrawn(lines=tuple(fee.line for fee in chosen))


def close(visit: Visit, end: VisitEnd, at: datetime, settled: Collection[str]) -> VisitClosed:
    """End a visit. A visit with a live bill cannot be withdrawn.

    Raises:
        VisitClosedError: it has ended; BatchSettledError: it has a bill.
    """
    check_open(visit)
    if end is VisitEnd.WITHDRAWN and settled:
        raise BatchSettledError(batch=min(settled))
    return VisitClosed(end=end, at=at)


def reopen(visit: Visit, at: datetime, settled: Collection[str]) -> VisitReopened:
    """Undo a discharge, as long as the stay has no live bill.

    Raises:
        VisitNotClosedError: the patient was not discharged; BatchSettledError: cancel the bill
        first.
    """
    if visit.end is not VisitEnd.DISCHARGED or visit.setting is not Setting.INPATIENT:
        raise VisitNotClosedError
    if settled:
        raise BatchSettledError(batch=min(settled))
    return VisitReopened(at=at)


def upload_list(visit: Visit, event: SettlementListUploaded) -> list[SettlementListUploaded]:
    """Record a bill's settlement list, also after a discharge; nothing if it says nothing new."""
    return [] if (event.settlement, event.digest) in visit.lists else [event]


def check_open(visit: Visit) -> None:
    """Refuse a withdrawn or discharged visit: VisitClosedError."""
    if visit.end is not None:
        raise VisitClosedError(status=visit.end)
