"""The sealer: within a second, once, after any crash, and never over a log that lost rows."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from service.proof.merkle import NO_EDGE, TreeHead, grow, leaf_hash, root_of
from service.proof.sealer import (
    LogForkedError,
    LogShortenedError,
    Sealer,
    check_length,
    mark_path,
)
from service.proof.signed_notes import open_note, read_checkpoint, read_verifier
from service.proof.signing_keys import load_signer, origin_of, rotate
from service.proof.tree import LogBrokenError, read_leaves, read_root
from service.vault import load_keys
from tests.ledgers import tamper
from tests.projections.recorded_families import families
from tests.service.read_models.following import a_store, append, append_foreign, eventually

NEWEST = "SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1"

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'gongji-seal' AND datname = current_database()"
)


def a_sealer(dsn: str, place: Path) -> Sealer:
    return Sealer(dsn, place / "keys.json", place)


async def test_every_row_is_sealed_under_a_signed_root(dsn: str, tmp_path: Path) -> None:
    """The checkpoint's root is the tree's over all rows, also the library's, and is signed."""
    rows = families(range(1, 40)).rows()
    async with a_store(dsn) as store:
        await append(store, rows)
        await append_foreign(dsn, "mypackage:Dog.Registered")
        await a_sealer(dsn, tmp_path).seal_now()
        size, root, note = await store.pool.fetchrow(NEWEST)
        leaves = await read_leaves(store.pool, 0, size)
        keys = [key for (key,) in await store.pool.fetch("SELECT verifier_key FROM seal_keys")]
        signed = open_note(note, [read_verifier(key) for key in keys])

        assert len(rows) + 1 == size
        assert root_of(grow(NO_EDGE, map(leaf_hash, leaves)).edge.hashes) == root
        assert (await origin_of(store.pool), TreeHead(size, root)) == signed[:2]
        mark = mark_path(tmp_path, signed.origin).read_text("utf-8")
        assert TreeHead(size, root) == read_checkpoint(mark).head


async def test_seals_come_by_themselves_within_a_second(dsn: str, tmp_path: Path) -> None:
    """What is committed is sealed while the sealer runs; a second one stands by."""
    story = families(range(1, 10)).rows()
    first, second = a_sealer(dsn, tmp_path), a_sealer(dsn, tmp_path)
    async with a_store(dsn) as store:
        first.start()
        second.start()

        async def is_sealed() -> bool:
            sealed = await store.pool.fetchval("SELECT size FROM tree_edge")
            return bool(sealed == await store.position())

        for part in (story[:20], story[20:]):
            await append(store, part)
            async with asyncio.timeout(5):
                await eventually(is_sealed)
        await first.close()
        await second.close()

        assert [0, 0] == [first.failures, second.failures]


async def test_a_sealer_cut_in_the_middle_goes_on(dsn: str, tmp_path: Path) -> None:
    """Its connection is cut again and again while rows come; every row is sealed once."""
    rows = families(range(1, 80)).rows()
    sealer = a_sealer(dsn, tmp_path)
    async with a_store(dsn) as store:
        sealer.start()
        writing = asyncio.create_task(append(store, rows, size=5))
        cut = 0
        while cut < 3:
            cut += int((await tamper(store.pool, CUT)).split()[-1])
            await asyncio.sleep(0.05)
        head = await writing

        async def is_sealed() -> bool:
            return bool(head == await store.pool.fetchval("SELECT size FROM tree_edge"))

        await eventually(is_sealed)
        await sealer.close()
        leaves = await read_leaves(store.pool, 0, head)
        _, root, _ = await store.pool.fetchrow(NEWEST)

        assert sealer.failures >= 1
        assert root_of(grow(NO_EDGE, map(leaf_hash, leaves)).edge.hashes) == root
        assert root == await read_root(store.pool, head)


async def test_a_restored_database_is_sealed_to_the_same_roots(dsn: str, tmp_path: Path) -> None:
    """With the tree lost, as before a crash, sealing again gives the same roots at any size."""
    async with a_store(dsn) as store:
        head = await append(store, families(range(1, 60)).rows())
        await a_sealer(dsn, tmp_path).seal_now()
        roots = [await read_root(store.pool, size) for size in range(1, head, 41)]
        last = await store.pool.fetchrow(NEWEST)
        await tamper(store.pool, "TRUNCATE checkpoints CASCADE")
        await tamper(store.pool, "TRUNCATE tree_nodes")
        await tamper(store.pool, "UPDATE tree_edge SET size = 0, edge = ''")
        await a_sealer(dsn, tmp_path).seal_now()

        assert last == await store.pool.fetchrow(NEWEST)
        assert roots == [await read_root(store.pool, size) for size in range(1, head, 41)]


async def test_an_older_backup_is_noticed(
    dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A log that ends before the last checkpoint is refused at start and never sealed."""
    async with a_store(dsn) as store:
        head = await append(store, families(range(1, 5)).rows())
        await a_sealer(dsn, tmp_path).seal_now()
        await check_length(store.pool, tmp_path)
        for sql in (
            "DELETE FROM events WHERE position > 20",
            "UPDATE log_head SET position = 20",
            "TRUNCATE checkpoints CASCADE",
            "UPDATE tree_edge SET size = 0, edge = ''",
        ):
            await tamper(store.pool, sql)
        with pytest.raises(LogShortenedError, match=f"ends at 20.* over {head} rows"):
            await check_length(store.pool, tmp_path)
        with pytest.raises(LogShortenedError):
            await a_sealer(dsn, tmp_path).seal_now()
        sealer = a_sealer(dsn, tmp_path)
        with caplog.at_level(logging.ERROR, logger="gongji.seal"):
            sealer.start()
            await eventually(lambda: asyncio.sleep(0, sealer.failures > 0))
            await sealer.close()

        assert "older backup" in caplog.text
        assert 0 == await store.pool.fetchval("SELECT count(*) FROM checkpoints")


async def test_another_log_of_the_same_length_is_noticed(dsn: str, tmp_path: Path) -> None:
    """Rewritten rows under a rebuilt tree differ from the checkpoint outside the database."""
    async with a_store(dsn) as store:
        await append(store, families(range(1, 5)).rows())
        await a_sealer(dsn, tmp_path).seal_now()
        for sql in (
            "UPDATE events SET state = state || ' ' WHERE position = 7",
            "TRUNCATE checkpoints CASCADE",
            "UPDATE tree_edge SET size = 0, edge = ''",
        ):
            await tamper(store.pool, sql)

        with pytest.raises(LogForkedError):
            await a_sealer(dsn, tmp_path).seal_now()
        mark_path(tmp_path, await origin_of(store.pool)).write_text("no checkpoint")
        with pytest.raises(LogBrokenError):
            await a_sealer(dsn, tmp_path).seal_now()


async def test_a_row_that_is_gone_is_not_sealed_over(dsn: str, tmp_path: Path) -> None:
    """A gap in the positions stops the sealer."""
    async with a_store(dsn) as store:
        await append(store, families(range(1, 5)).rows())
        await tamper(store.pool, "DELETE FROM events WHERE position = 9")

        with pytest.raises(LogBrokenError):
            await a_sealer(dsn, tmp_path).seal_now()


async def test_a_new_key_signs_and_the_old_one_stays_listed(dsn: str, tmp_path: Path) -> None:
    """After rotation each checkpoint opens under the key of its time."""
    rows = families(range(1, 10)).rows()
    async with a_store(dsn) as store:
        await append(store, rows[:30])
        await a_sealer(dsn, tmp_path).seal_now()
        before = load_keys(tmp_path / "keys.json").fingerprint
        rotate(tmp_path / "keys.json")
        await append(store, rows[30:])
        await a_sealer(dsn, tmp_path).seal_now()
        keys = await store.pool.fetch("SELECT verifier_key FROM seal_keys ORDER BY began_at")
        notes = await store.pool.fetch("SELECT note FROM checkpoints ORDER BY size")

        assert before == load_keys(tmp_path / "keys.json").fingerprint
        assert (2, 2) == (len(keys), len(notes))
        for (key,), (note,) in zip(keys, notes, strict=True):
            open_note(note, [read_verifier(key)])
        with pytest.raises(ValueError, match="no signature"):
            open_note(notes[1][0], [read_verifier(keys[0][0])])


def test_an_older_key_file_has_a_key_too(tmp_path: Path) -> None:
    """A file without a list signs with one key for ever, and keeps it when a new one comes."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"wrapping": "00" * 32, "digesting": "11" * 32}))
    first = load_signer(path, "gongji/x").verifier
    assert first == load_signer(path, "gongji/x").verifier
    rotate(path)

    assert first != load_signer(path, "gongji/x").verifier
    assert 2 == path.read_text().count("sealing") + path.read_text().count("digesting")
    assert 0o600 == path.stat().st_mode & 0o777
