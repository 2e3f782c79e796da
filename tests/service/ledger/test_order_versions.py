"""Heads that an older release folded count the orders alone; a migration counts the sponsors."""

from datetime import timedelta

import asyncpg

from aggregates.account.events import (
    InvitationReceived,
    OrderChanged,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.account.state import Account
from aggregates.topics import Event
from aggregates.vocabulary import Relation, StreamId
from service.ledger.codec import decode_head, encode_head
from service.ledger.migrate import FOLDER
from tests.projections.recorded_families import BEGAN_AT, an_id, an_opening
from tests.service.ledger.batches import Teller
from tests.service.read_models.following import a_store

MIGRATION = FOLDER / "0030_order_versions.sql"
SPONSOR = an_id("acc", 9)


def tie(number: int) -> StreamId:
    return an_id("bnd", number)


def came(number: int) -> Event:
    return SponsorLinked(
        binding=tie(number),
        sponsor=SPONSOR,
        relation=Relation.PARENT,
        parent=None,
        linked_at=BEGAN_AT + timedelta(seconds=number),
    )


def went(number: int) -> Event:
    return SponsorUnlinked(binding=tie(number))


def ordered(*numbers: int) -> Event:
    return OrderChanged(bindings=tuple(map(tie, numbers)))


def offered(number: int) -> Event:
    return InvitationReceived(binding=tie(number), sponsor=SPONSOR)


LIVES: tuple[tuple[int, tuple[Event, ...]], ...] = (
    (0, (came(1), came(2), went(1))),
    (1, (came(1), came(2), went(1), ordered(2))),
    (3, (came(1), came(2), ordered(2, 1), went(1), came(3))),
    (4, (came(1), ordered(1), went(1), went(1), came(2), ordered(2))),
    (1, (offered(1), ordered(), went(1), went(7))),
    (2, (offered(1), ordered(), came(1))),
)
"""What happened to an account, and its order's version after it."""


async def test_old_heads_get_the_version_that_their_events_say(dsn: str) -> None:
    """Every account's head is then what a fold of its events makes, in every member."""
    teller = Teller()
    async with a_store(dsn) as store:
        for number, (_, life) in enumerate(LIVES, 1):
            told = [(an_id("acc", number), event) for event in (an_opening(), *life)]
            assert (await store.append(teller.batch(*told))).base is not None
    connection = await asyncpg.connect(dsn)
    for number, (version, life) in enumerate(LIVES, 1):
        made = teller.heads[an_id("acc", number)].state
        assert isinstance(made, Account)
        assert version == made.order_version
        orders = sum(isinstance(event, OrderChanged) for event in life)
        await connection.execute(
            "UPDATE heads SET state = $2 WHERE stream = $1::text::uuid",
            an_id("acc", number)[4:],
            encode_head(made._replace(order_version=orders)),
        )
    await connection.execute(MIGRATION.read_text(encoding="utf-8"))
    rows = dict(await connection.fetch("SELECT replace(stream::text, '-', ''), state FROM heads"))
    await connection.close()

    for stream, head in teller.heads.items():
        assert head.state == decode_head(1, rows[stream[4:]])
