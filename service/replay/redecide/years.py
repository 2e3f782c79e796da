"""Decides again when an account's insurance year turned, by its own area's editions."""

from aggregates.account.events import (
    AccountOpened,
    BalanceOpened,
    InsuranceYearMoved,
    YearClosed,
)
from aggregates.account.insurance_year import NEW_YEAR, insurance_year
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.overlay import Overlay
from service.ledger.read_set import ReadSet
from service.replay.differences import Mismatch
from service.replay.redecide.comparison import Finding
from service.vault import Vault


def year_again(
    states: Overlay, vault: Vault, stream: StreamId, event: Event, now: Instant
) -> list[Finding]:
    """Whether an account's event comes at its turn: a closing when the year is over, and only then.

    The sum that is carried over is compared where the account is folded.

    Raises:
        UnreadError: an area's editions are not loaded yet.
    """
    reads = ReadSet(states, now, vault)
    if isinstance(event, AccountOpened):
        begun = [day for day in reads.year_days(event.region) if day.since <= event.on]
        begins = begun[-1].begins if begun else NEW_YEAR
        return _unlike(event.insurance_year_from, begins)
    turns = reads.turning(stream)
    if isinstance(event, YearClosed):
        due = turns[0] if turns else None
        return _unlike(event.year, due.year if isinstance(due, YearClosed) else None)
    if isinstance(event, InsuranceYearMoved):
        return _unlike(event, turns[0] if turns else None)
    if isinstance(event, BalanceOpened):
        account = reads.account(stream)
        return _unlike(event.year, insurance_year(now.on, account.year_from))
    is_open = any(isinstance(turn, YearClosed) for turn in turns)
    return _unlike(type(event).__name__, "year-closed first") if is_open else []


def _unlike(stored: object, replayed: object) -> list[Finding]:
    return [] if stored == replayed else [Finding(Mismatch.DECISION, stored, replayed)]
