"""The statement of an account: every event that moved its money, and the balance after it.

Aid that a patient received moves no money of his account and is not an entry of it; it is
one of the sponsor's, under the binding.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from aggregates.events import Credited, Debited, DebitReturned
from aggregates.vocabulary import Bucket, StreamId
from projections.fact import Fact
from projections.paging import Page, below, bounded, page
from projections.table import Connection, Reader, Table, columns, key_of, stream_of

TABLE = Table(
    "entries",
    """
    CREATE TABLE {name} (
        account             uuid NOT NULL,
        position            bigint NOT NULL,
        recorded_at         bigint NOT NULL,
        kind                text NOT NULL,
        current_fen         bigint NOT NULL,
        prior_fen           bigint NOT NULL,
        settlement          text,
        binding             text,
        balance_current_fen bigint NOT NULL,
        balance_prior_fen   bigint NOT NULL,
        CONSTRAINT {name}_pkey PRIMARY KEY (account, position)
    );
    """,
)
READS = (Credited, Debited, DebitReturned)


class EntryKind(StrEnum):
    """How money moved."""

    CREDITED = "credited"
    DEBITED = "debited"
    RETURNED = "returned"


class Balance(NamedTuple):
    """What an account holds, in fen."""

    current_fen: int
    prior_fen: int


NOTHING = Balance(0, 0)


class Entry(NamedTuple):
    """One line of a statement; its parts are signed, in fen, and `balance` is after it.

    Under a `binding` the money was lent to a beneficiary, else it was the owner's own bill.
    """

    account: StreamId
    position: int
    recorded_at: int
    kind: EntryKind
    current_fen: int
    prior_fen: int
    settlement: StreamId | None
    binding: StreamId | None
    balance: Balance

    @property
    def amount_fen(self) -> int:
        """Both parts together, signed."""
        return self.current_fen + self.prior_fen


def evolve(balance: Balance, fact: Fact) -> Entry | None:
    """The entry an event makes on an account with this balance; None where no money moved."""
    settlement: StreamId | None = None
    binding: StreamId | None = None
    match fact.event:
        case Credited(bucket=bucket, amount_fen=amount_fen):
            kind = EntryKind.CREDITED
            is_current = bucket is Bucket.CURRENT
            current_fen, prior_fen = (amount_fen, 0) if is_current else (0, amount_fen)
        case Debited() as debit:
            kind, settlement, binding = EntryKind.DEBITED, debit.settlement, debit.binding
            current_fen, prior_fen = -debit.current_fen, -debit.prior_fen
        case DebitReturned() as back:
            kind, settlement, binding = EntryKind.RETURNED, back.settlement, back.binding
            current_fen, prior_fen = back.current_fen, back.prior_fen
        case _:
            return None
    return Entry(
        account=fact.stream,
        position=fact.position,
        recorded_at=fact.recorded_at,
        kind=kind,
        current_fen=current_fen,
        prior_fen=prior_fen,
        settlement=settlement,
        binding=binding,
        balance=Balance(balance.current_fen + current_fen, balance.prior_fen + prior_fen),
    )


BALANCES = """
    SELECT a.account, e.balance_current_fen, e.balance_prior_fen
      FROM unnest($1::uuid[]) AS a(account)
     CROSS JOIN LATERAL (
           SELECT balance_current_fen, balance_prior_fen FROM {name}
            WHERE account = a.account ORDER BY position DESC LIMIT 1) e
"""
INSERT = """
    INSERT INTO {name} (account, position, recorded_at, kind, current_fen, prior_fen,
                        settlement, binding, balance_current_fen, balance_prior_fen)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
                         $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::bigint[])
"""


async def write(connection: Connection, name: str, facts: Sequence[Fact]) -> None:
    """Write what a batch of facts adds; an event applied twice is refused by the key."""
    mine = [fact for fact in facts if isinstance(fact.event, READS)]
    if not mine:
        return
    accounts = sorted({key_of(fact.stream) for fact in mine})
    found = await connection.fetch(BALANCES.format(name=name), accounts)
    balances = {stream_of("acc", key): Balance(current, prior) for key, current, prior in found}
    entries: list[Entry] = []
    for fact in mine:
        entry = evolve(balances.get(fact.stream, NOTHING), fact)
        if entry is not None:
            balances[entry.account] = entry.balance
            entries.append(entry)
    rows = [(key_of(entry.account), *entry[1:-1], *entry.balance) for entry in entries]
    await connection.execute(INSERT.format(name=name), *columns(rows, 10))


OF_ACCOUNT = """
    SELECT position, recorded_at, kind, current_fen, prior_fen, settlement, binding,
           balance_current_fen, balance_prior_fen
      FROM entries WHERE account = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3
"""


async def of_account(
    reader: Reader, account: StreamId, cursor: str | None = None, limit: int = 50
) -> Page[Entry]:
    """The statement of an account, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    limit = bounded(limit)
    found = await reader.fetch(OF_ACCOUNT, key_of(account), below(cursor), limit + 1)
    entries: list[Entry] = []
    for position, at, kind, current, prior, settlement, binding, *balance in found:
        moved = (EntryKind(kind), current, prior, settlement, binding)
        entries.append(Entry(account, position, at, *moved, Balance(*balance)))
    return page(entries, [entry.position for entry in entries], limit)
