"""A visit (就诊): who came where, and the fee lines that its bills are made of."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from aggregates.refusals import InputRefusedError, RuleRefusedError
from aggregates.vocabulary import Setting, StreamId, VisitEnd


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
    """A patient came: out-patient registration or admission. `number` is the institution's own."""

    institution: StreamId
    beneficiary: StreamId
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDescribed:
    """What the visit is for is known, or known better."""

    med_type: str | None
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesUploaded:
    """These fee lines belong to the visit."""

    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesWithdrawn:
    """These fee lines, by number, were uploaded in error."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitClosed:
    """The visit ended: it was withdrawn, or the patient was discharged."""

    end: VisitEnd
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReopened:
    """A discharge was taken back."""

    at: datetime


class FeesMismatchError(InputRefusedError):
    """The bill's total is not the sum of its uploaded fee lines; `uploaded` is, in fen."""


class VisitClosedError(RuleRefusedError):
    """The visit was withdrawn, or the patient was discharged."""


class VisitNotClosedError(RuleRefusedError):
    """Nobody was discharged, so there is nothing to take back."""


class BatchSettledError(RuleRefusedError):
    """The batch has a live bill; its fee lines stand."""


class FeeRepeatedError(RuleRefusedError):
    """A fee line's number was used before in this visit."""


class FeesMissingError(RuleRefusedError):
    """There are no such fee lines."""


ALL_BATCHES = "0000"
"""What an institution writes where it means every batch that is not settled (2205)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit as its events left it."""

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

    @property
    def batches(self) -> tuple[str, ...]:
        """The charge batches that have fee lines, in the order they came."""
        return tuple(dict.fromkeys(fee.batch for fee in self.fees))

    def fees_of(self, batch: str | None) -> tuple[Fee, ...]:
        """The fee lines of a batch, or all of them."""
        return tuple(fee for fee in self.fees if batch in (None, fee.batch))


VisitEvent = (
    VisitRegistered | VisitDescribed | FeesUploaded | FeesWithdrawn | VisitClosed | VisitReopened
)


def evolve(visit: Visit | None, event: VisitEvent) -> Visit:
    """Fold one event into a visit. Never judges."""
    if isinstance(event, VisitRegistered):
        return Visit(
            institution=event.institution,
            beneficiary=event.beneficiary,
            setting=event.setting,
            number=event.number,
            department=event.department,
            med_type=event.med_type,
            began_at=event.began_at,
        )
    assert visit is not None, "a visit begins with VisitRegistered"
    match event:
        case VisitDescribed(med_type=med_type, diagnoses=diagnoses):
            return replace(visit, med_type=med_type or visit.med_type, diagnoses=diagnoses)
        case FeesUploaded(fees=fees):
            return replace(visit, fees=visit.fees + fees)
        case FeesWithdrawn(lines=lines):
            gone = frozenset(lines)
            return replace(visit, fees=tuple(f for f in visit.fees if f.line not in gone))
        case VisitClosed(end=end, at=at):
            return replace(visit, end=end, ended_at=at)
        case VisitReopened():
            return replace(visit, end=None, ended_at=None)


def upload(visit: Visit, fees: Iterable[Fee], settled: Collection[str]) -> FeesUploaded:
    """Add fee lines; `settled` are the batches that have a live bill.

    Raises:
        VisitClosedError: the visit has ended; BatchSettledError: its bill is made already;
        FeeRepeatedError: a line's number was used before.
    """
    check_open(visit)
    fees = tuple(fees)
    known = {fee.line for fee in visit.fees}
    for fee in fees:
        if fee.batch in settled:
            raise BatchSettledError(batch=fee.batch)
        if fee.line in known:
            raise FeeRepeatedError(line=fee.line)
        known.add(fee.line)
    return FeesUploaded(fees=fees)


def withdraw(
    visit: Visit, batch: str, lines: Iterable[str], settled: Collection[str]
) -> FeesWithdrawn:
    """Take fee lines back: of a batch, of every batch that is not settled, or these lines.

    Raises:
        BatchSettledError: cancel the bill first; FeesMissingError: there is no such line.
    """
    wanted = set(lines)
    if wanted:
        chosen = [fee for fee in visit.fees if fee.line in wanted]
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
    """End a visit. One that has a live bill is not withdrawn any more.

    Raises:
        VisitClosedError: it has ended; BatchSettledError: it has a bill.
    """
    check_open(visit)
    if end is VisitEnd.WITHDRAWN and settled:
        raise BatchSettledError(batch=min(settled))
    return VisitClosed(end=end, at=at)


def reopen(visit: Visit, at: datetime, settled: Collection[str]) -> VisitReopened:
    """Take a discharge back, as long as the stay has no live bill.

    Raises:
        VisitNotClosedError: nobody was discharged; BatchSettledError: cancel the bill first.
    """
    if visit.end is not VisitEnd.DISCHARGED or visit.setting is not Setting.INPATIENT:
        raise VisitNotClosedError
    if settled:
        raise BatchSettledError(batch=min(settled))
    return VisitReopened(at=at)


def check_open(visit: Visit) -> None:
    """Refuse what comes after a visit's end.

    Raises:
        VisitClosedError: it was withdrawn, or the patient was discharged.
    """
    if visit.end is not None:
        raise VisitClosedError(status=visit.end)
