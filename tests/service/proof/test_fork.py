"""A fork is declared once, with a reason, under a key that never signed, however it is cut."""

import json
from pathlib import Path

import asyncpg
import pytest

from service.adapters.checkpoint_store import OutsideUnreachableError
from service.proof import fork as fork_module
from service.proof.fork import CheckpointDifference, ForkRefusedError, begin_fork, declare_fork
from service.proof.outside import Outside
from service.proof.sealer import LogShortenedError, Sealer, check_length
from service.proof.signed_notes import read_checkpoint
from service.proof.signing_keys import rotate
from service.settings import Settings
from tests.ledgers import tamper
from tests.service.proof.outside_place import EARLY, LATE, Place, a_context, write
from tests.service.read_models.following import a_store

WHY = "the backup of Monday is all that is left"


def settings_of(place: Place) -> Settings:
    return Settings.read({"GONGJI_DATA": str(place.path), "GONGJI_KEY_FILE": str(place.keys)})


async def cut_off(dsn: str, upto: int) -> None:
    """Leave a log as an older backup has it, its tree too."""
    async with a_store(dsn) as store:
        for statement in (
            "TRUNCATE checkpoints CASCADE",
            "TRUNCATE tree_nodes",
            "UPDATE tree_edge SET size = 0, edge = ''",
        ):
            await tamper(store.pool, statement)
        await tamper(store.pool, "DELETE FROM events WHERE position > $1", upto)
        await tamper(store.pool, "UPDATE log_head SET position = $1", upto)


async def begun(
    dsn: str, place: Place, outside: Outside | None, why: str = WHY
) -> list[CheckpointDifference]:
    connection = await asyncpg.connect(dsn)
    try:
        return await begin_fork(connection, settings_of(place), outside, why)
    finally:
        await connection.close()


def seeds(place: Place) -> list[str]:
    listed: list[str] = json.loads(place.keys.read_text())["sealing"]
    return listed


async def declared(
    dsn: str, place: Place, outside: Outside, found: list[CheckpointDifference]
) -> None:
    sealer = Sealer(dsn, place.keys, place.path, outside)
    async with a_context(dsn, place, outside) as context:
        await declare_fork(context, sealer, outside, found, WHY)


async def forks(dsn: str) -> list[str]:
    async with a_store(dsn) as store:
        return [
            json.loads(state)["event"]["text"]
            for (state,) in await store.pool.fetch(
                "SELECT state FROM events e JOIN topics t ON t.id = e.topic"
                " WHERE t.topic = 'ledger.fork-accepted/1'"
            )
        ]


async def test_the_pods_own_memory_forks_too(dsn: str, place: Place) -> None:
    """Without a place outside the data directory's checkpoint is accepted, and kept beside."""
    early = await write(dsn, EARLY)
    await Sealer(dsn, place.keys, place.path).seal_now()
    await write(dsn, LATE)
    await Sealer(dsn, place.keys, place.path).seal_now()
    await cut_off(dsn, early)
    async with a_store(dsn) as store:
        with pytest.raises(LogShortenedError):
            await check_length(store.pool, place.path)
    (found,) = await begun(dsn, place, None)
    async with a_store(dsn) as store:
        await check_length(store.pool, place.path)

    assert f"the log ends at {early}" in found.difference
    assert 2 == len(seeds(place))
    assert [] == await begun(dsn, place, None)
    assert 1 == len(list(place.path.glob("checkpoint-*.forked-*")))


async def test_a_fork_that_was_cut_is_accepted_again(
    dsn: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes down before it takes the fork's checkpoint: one event, and then it is told."""
    monkeypatch.setattr(fork_module, "SEAL_ATTEMPTS", 1)
    early = await write(dsn, EARLY)
    await place.seal(dsn)
    await write(dsn, LATE)
    await place.seal(dsn)
    kept = place.store.newest()
    await cut_off(dsn, early)
    outside = place.outside()
    found = await begun(dsn, place, outside)
    place.store.status = 500
    with pytest.raises(OutsideUnreachableError):
        await declared(dsn, place, outside, found)
    assert kept == place.store.newest()
    place.store.status = None
    again = place.outside()
    await declared(dsn, place, again, await begun(dsn, place, again))

    assert [WHY] == await forks(dsn)
    assert early + 1 == read_checkpoint(place.store.newest()).head.size
    assert [] == await begun(dsn, place, place.outside())


async def test_what_cannot_be_accepted_changes_nothing(dsn: str, place: Place) -> None:
    """Without a reason nothing is forked; a key that never signed is not replaced."""
    early = await write(dsn, EARLY)
    await place.seal(dsn)
    await write(dsn, LATE)
    await place.seal(dsn)
    await cut_off(dsn, early)
    for why in ("", "  ", "x" * 501):
        with pytest.raises(ForkRefusedError):
            await begun(dsn, place, place.outside(), why)
    assert 1 == len(seeds(place))
    rotate(place.keys)
    await begun(dsn, place, place.outside())
    assert 2 == len(seeds(place))


async def test_a_pod_with_an_older_key_file_goes_on(dsn: str, place: Place, tmp_path: Path) -> None:
    """After a rotation elsewhere, the key that signed is known from the ledger."""
    await write(dsn, EARLY)
    await place.seal(dsn)
    older = tmp_path / "older.json"
    older.write_bytes(place.keys.read_bytes())
    rotate(place.keys)
    await write(dsn, LATE)
    await place.seal(dsn)
    outside = place.outside(older)
    async with a_store(dsn) as store:
        assert None is not await outside.check(store.pool)
