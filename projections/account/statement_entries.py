"""The statement of an account: every event that moved its money, and the balance after it.

Aid that a patient received moves no money of his account and is not an entry of it; it is
one of the sponsor's, under the binding. What is set aside or held stays on the account and is
no entry either. Money kept aside under a ticket never reached the account: it is an entry of
nothing, so that the owner sees that it is his and where it went.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from aggregates.account.events import (
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.vocabulary import Bucket, StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, storable, stream_of

PayingEvent = Credited | Debited | DebitReturned | PremiumDebited | PremiumReturned
Keeping = YearClosed | Corrected | ReturnSuspended | SuspensePaidOut
PAYMENTS = (Credited, Debited, DebitReturned, PremiumDebited, PremiumReturned)
KEEPINGS = (YearClosed, Corrected, ReturnSuspended, SuspensePaidOut)
READS = (*PAYMENTS, *KEEPINGS)


class EntryKind(StrEnum):
    """How money moved, or why it could not."""

    CREDITED = "credited"
    DEBITED = "debited"
    RETURNED = "returned"
    YEAR_CLOSED = "year_closed"
    CORRECTED = "corrected"
    PREMIUM_DEBITED = "premium_debited"
    PREMIUM_RETURNED = "premium_returned"
    SET_ASIDE = "set_aside"
    PAID_OUT = "paid_out"


class RunningBalance(NamedTuple):
    """What an account holds, in fen."""

    current_fen: int
    prior_fen: int


NOTHING = RunningBalance(0, 0)


class Movement(NamedTuple):
    """What an event moved, signed, in fen: into the buckets, and into what is kept aside.

    `reference` names what it comes from where that is no settlement: a premium, a correction,
    a ticket of money kept aside, or the year that was closed.
    """

    kind: EntryKind
    current_fen: int = 0
    prior_fen: int = 0
    aside_fen: int = 0
    settlement: StreamId | None = None
    binding: StreamId | None = None
    reference: str | None = None


class StatementEntry(NamedTuple):
    """One line of a statement; its parts are signed, in fen, and `balance` is after it.

    Under a `binding` the money was lent to a beneficiary, else it was the owner's own bill.
    `aside_fen` is no part of the balance: it came back and could not be credited.
    """

    account: sql.AccountKey
    position: int
    recorded_at: int
    kind: EntryKind
    current_fen: int
    prior_fen: int
    aside_fen: int
    settlement: StreamId | None
    binding: StreamId | None
    reference: str | None
    balance: Annotated[RunningBalance, sql.Members("balance_")]

    @property
    def amount_fen(self) -> int:
        """Both parts together, signed."""
        return self.current_fen + self.prior_fen


COLUMNS = sql.RowColumns(StatementEntry)
TABLE = Table(
    "statements",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (account, position)
    );
    """,
)
INSERT = COLUMNS.insert()


def evolve(balance: RunningBalance, fact: RecordedEvent) -> StatementEntry | None:
    """The entry an event makes on an account with this balance; None where it is none."""
    event = fact.event
    if isinstance(event, PAYMENTS):
        moved = _paid(event)
    elif isinstance(event, KEEPINGS):
        moved = _kept(event, balance)
    else:
        return None
    after = RunningBalance(
        balance.current_fen + moved.current_fen, balance.prior_fen + moved.prior_fen
    )
    return StatementEntry(fact.stream, fact.position, fact.recorded_at, *moved, after)


def _paid(event: PayingEvent) -> Movement:
    match event:
        case Credited(bucket=bucket, amount_fen=amount_fen):
            return Movement(EntryKind.CREDITED, *_into(bucket, amount_fen))
        case Debited(current_fen=current_fen, prior_fen=prior_fen):
            parts = (-current_fen, -prior_fen, 0)
            return Movement(EntryKind.DEBITED, *parts, event.settlement, event.binding)
        case DebitReturned(current_fen=current_fen, prior_fen=prior_fen):
            parts = (current_fen, prior_fen, 0)
            return Movement(EntryKind.RETURNED, *parts, event.settlement, event.binding)
        case PremiumDebited(current_fen=current_fen, prior_fen=prior_fen):
            parts = (-current_fen, -prior_fen, 0)
            return Movement(EntryKind.PREMIUM_DEBITED, *parts, None, event.binding, event.premium)
        case PremiumReturned(current_fen=current_fen, prior_fen=prior_fen):
            parts = (current_fen, prior_fen, 0)
            return Movement(EntryKind.PREMIUM_RETURNED, *parts, None, event.binding, event.premium)


def _kept(event: Keeping, balance: RunningBalance) -> Movement:
    """What is no payment: all current money turns, a wrong balance is put right, money waits."""
    match event:
        case YearClosed(year=year):
            carried_fen = balance.current_fen
            return Movement(EntryKind.YEAR_CLOSED, -carried_fen, carried_fen, reference=str(year))
        case Corrected(bucket=bucket, amount_fen=amount_fen, correction=correction):
            parts = _into(bucket, amount_fen)
            return Movement(EntryKind.CORRECTED, *parts, reference=correction)
        case ReturnSuspended(payment=payment, binding=binding, ticket=ticket):
            return Movement(
                EntryKind.SET_ASIDE,
                aside_fen=event.amount_fen,
                settlement=payment if payment.startswith("stl_") else None,
                binding=binding,
                reference=storable(ticket),
            )
        case SuspensePaidOut(ticket=ticket, amount_fen=amount_fen):
            return Movement(EntryKind.PAID_OUT, aside_fen=-amount_fen, reference=storable(ticket))


def _into(bucket: Bucket, amount_fen: int) -> tuple[int, int]:
    return (amount_fen, 0) if bucket is Bucket.CURRENT else (0, amount_fen)


BALANCES = """
    SELECT a.account, e.balance_current_fen, e.balance_prior_fen
      FROM unnest($1::uuid[]) AS a(account)
     CROSS JOIN LATERAL (
           SELECT balance_current_fen, balance_prior_fen FROM {name}
            WHERE account = a.account ORDER BY position DESC LIMIT 1) e
"""


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts adds; an event applied twice is refused by the key."""
    mine = [fact for fact in facts if isinstance(fact.event, READS)]
    if not mine:
        return
    accounts = sorted({key_of(fact.stream) for fact in mine})
    found = await connection.fetch(BALANCES.format(name=name), accounts)
    balances = {
        stream_of("acc", key): RunningBalance(current, prior) for key, current, prior in found
    }
    entries: list[StatementEntry] = []
    for fact in mine:
        entry = evolve(balances.get(fact.stream, NOTHING), fact)
        if entry is not None:
            balances[entry.account] = entry.balance
            entries.append(entry)
    rows = map(COLUMNS.values, entries)
    await connection.execute(INSERT.format(name=name), *columns(rows, 12))


OF_ACCOUNT = """
    SELECT position, recorded_at, kind, current_fen, prior_fen, aside_fen, settlement, binding,
           reference, balance_current_fen, balance_prior_fen
      FROM statements WHERE account = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3
"""


async def of_account(
    reader: Reader, account: StreamId, cursor: str | None = None, limit: int = 50
) -> Page[StatementEntry]:
    """The statement of an account, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """

    def read(row: Sequence[Any]) -> StatementEntry:
        position, at, kind, *moved = row[:-2]
        movement = Movement(EntryKind(kind), *moved)
        return StatementEntry(account, position, at, *movement, RunningBalance(*row[-2:]))

    return await fetch_page(reader, OF_ACCOUNT, (key_of(account),), (cursor, limit), read)
