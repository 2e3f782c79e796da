"""The statement of an account: every event that moved its money, and the balance after it.

Aid that a patient received moves no money of the patient's account; it is an entry of the
sponsor's statement, under the binding. Money that is set aside or held stays on the account and
is no entry. Money kept aside under a ticket never reached the account: its entry changes no
balance, and shows the owner where the money is.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from aggregates.account import events as account_events
from aggregates.vocabulary import Bucket, StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, storable, stream_of

PayingEvent = (
    account_events.Credited
    | account_events.Debited
    | account_events.DebitReturned
    | account_events.PremiumDebited
    | account_events.PremiumReturned
)
KeepingEvent = (
    account_events.YearClosed
    | account_events.MovedToPool
    | account_events.MovedFromPool
    | account_events.Corrected
    | account_events.ReturnSuspended
    | account_events.SuspensePaidOut
)
READS = (*PayingEvent.__args__, *KeepingEvent.__args__)


class EntryKind(StrEnum):
    """How money moved, or why it was set aside."""

    CREDITED = "credited"
    DEBITED = "debited"
    RETURNED = "returned"
    YEAR_CLOSED = "year_closed"
    CORRECTED = "corrected"
    PREMIUM_DEBITED = "premium_debited"
    PREMIUM_RETURNED = "premium_returned"
    SET_ASIDE = "set_aside"
    PAID_OUT = "paid_out"
    MOVED_TO_POOL = "moved_to_pool"
    MOVED_FROM_POOL = "moved_from_pool"


class RunningBalance(NamedTuple):
    """The balance of an account, in fen."""

    current_fen: int
    prior_fen: int


NOTHING = RunningBalance(0, 0)


class Movement(NamedTuple):
    """What an event moved to the buckets and to the money kept aside, signed, in fen.

    `reference` names the cause where it is not a settlement: a premium, a correction, a ticket of
    money kept aside, a family pool, or the closed year.
    """

    kind: EntryKind
    current_fen: int = 0
    prior_fen: int = 0
    aside_fen: int = 0
    settlement: StreamId | None = None
    binding: StreamId | None = None
    reference: str | None = None


class StatementEntry(NamedTuple):
    """One line of a statement, its amounts signed, in fen; `balance` is the balance after it.

    With a `binding` the money paid a beneficiary's bill, else the owner's own. `aside_fen` is not
    part of the balance: it was returned and could not be credited.
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
        """The sum of both buckets, signed."""
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


def evolve(balance: RunningBalance, recorded: RecordedEvent) -> StatementEntry | None:
    """The entry that an event adds to an account with this balance; None for other events."""
    event = recorded.event
    if isinstance(event, PayingEvent):
        moved = _paid(event)
    elif isinstance(event, KeepingEvent):
        moved = _kept(event, balance)
    else:
        return None
    after = RunningBalance(
        balance.current_fen + moved.current_fen, balance.prior_fen + moved.prior_fen
    )
    return StatementEntry(recorded.stream, recorded.position, recorded.recorded_at, *moved, after)


PAYMENTS = {
    account_events.Debited: (EntryKind.DEBITED, -1),
    account_events.DebitReturned: (EntryKind.RETURNED, 1),
    account_events.PremiumDebited: (EntryKind.PREMIUM_DEBITED, -1),
    account_events.PremiumReturned: (EntryKind.PREMIUM_RETURNED, 1),
}
"""The kind of entry that an event makes, and the sign of its amounts."""


def _paid(event: PayingEvent) -> Movement:
    if isinstance(event, account_events.Credited):
        return Movement(EntryKind.CREDITED, *_into(event.bucket, event.amount_fen))
    kind, sign = PAYMENTS[type(event)]
    parts = (sign * event.current_fen, sign * event.prior_fen, 0)
    if isinstance(event, account_events.Debited | account_events.DebitReturned):
        return Movement(kind, *parts, event.settlement, event.binding)
    return Movement(kind, *parts, None, event.binding, event.premium)


def _kept(event: KeepingEvent, balance: RunningBalance) -> Movement:
    """Year closings, corrections, pool transfers, and money that is set aside or paid out."""
    match event:
        case account_events.YearClosed(year=year):
            carried_fen = balance.current_fen
            return Movement(EntryKind.YEAR_CLOSED, -carried_fen, carried_fen, reference=str(year))
        case account_events.Corrected(bucket=bucket, amount_fen=amount_fen, correction=correction):
            parts = _into(bucket, amount_fen)
            return Movement(EntryKind.CORRECTED, *parts, reference=correction)
        case account_events.ReturnSuspended(payment=payment, binding=binding, ticket=ticket):
            return Movement(
                EntryKind.SET_ASIDE,
                aside_fen=event.amount_fen,
                settlement=payment if payment.startswith("stl_") else None,
                binding=binding,
                reference=storable(ticket),
            )
        case account_events.MovedToPool(pool=pool):
            parts = (-event.current_fen, -event.prior_fen)
            return Movement(EntryKind.MOVED_TO_POOL, *parts, reference=pool)
        case account_events.MovedFromPool(pool=pool, amount_fen=amount_fen):
            return Movement(EntryKind.MOVED_FROM_POOL, 0, amount_fen, reference=pool)
        case account_events.SuspensePaidOut(ticket=ticket, amount_fen=amount_fen):
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


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events adds; the primary key refuses an event applied twice."""
    own = [recorded for recorded in events if isinstance(recorded.event, READS)]
    if not own:
        return
    accounts = sorted({key_of(recorded.stream) for recorded in own})
    found = await connection.fetch(BALANCES.format(name=name), accounts)
    balances = {
        stream_of("acc", key): RunningBalance(current, prior) for key, current, prior in found
    }
    entries: list[StatementEntry] = []
    for recorded in own:
        entry = evolve(balances.get(recorded.stream, NOTHING), recorded)
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
