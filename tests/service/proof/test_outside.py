"""The checkpoint outside: put after seals, compared before a write, and never lost to an older."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.adapters.checkpoint_store import (
    BYTES_MAX,
    AddressInvalidError,
    OutsideUnreachableError,
    store_of,
)
from service.caller import Caller, Request, Role
from service.ledger.command import Decision
from service.proof import outside as outside_module
from service.proof.merkle import TILE
from service.proof.outside import (
    CheckpointMismatchError,
    Outside,
    difference,
    reasons_of,
    state_of,
)
from service.proof.sealer import Sealer
from service.proof.signed_notes import (
    Checkpoint,
    Signer,
    checkpoint_text,
    note_of,
    read_checkpoint,
)
from service.proof.signing_keys import load_signer, rotate
from tests.ledgers import of_database, tamper
from tests.projections.recorded_families import families
from tests.service.proof.outside_place import EARLY, LATE, Place, a_context, write
from tests.service.read_models.following import a_store, eventually

OTHER = families(range(30, 40)).rows()
CHANGED = "UPDATE events SET state = state || ' ' WHERE position = $1"
TILE_SIZE = 1 << TILE
"""Rows under one stored node of the tree."""
NOBODY = "127.0.0.1:1"
"""Where nobody listens."""
OPERATOR = Caller(Role.OPERATOR, "test", None, "operator:test")


@pytest.fixture
def backup(cluster: str, dsn: str) -> Iterator[tuple[str, str]]:
    """A ledger, and where a copy of it goes when a test calls for one."""
    name = f"backup_of_{dsn.partition('/ledger_')[2].partition('?')[0]}"
    yield name, of_database(cluster, name)
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def back_up(cluster: str, dsn: str, name: str) -> None:
    """Copy a database that nobody is connected to."""
    source = dsn.partition("@/")[2].partition("?")[0]
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}".encode())


async def test_no_key_signs_two_histories(
    cluster: str, dsn: str, place: Place, backup: tuple[str, str]
) -> None:
    """A backup that grew apart is refused at any length: shorter, as long, and longer."""
    name, restored = backup
    await write(dsn, EARLY)
    await place.seal(dsn)
    back_up(cluster, dsn, name)
    head = await write(dsn, LATE)
    await place.seal(dsn)
    kept = place.store.newest()
    assert head == read_checkpoint(kept).head.size

    for number, rows in enumerate(([], OTHER, families(range(50, 60)).rows()), start=1):
        await write(restored, rows)
        with pytest.raises(CheckpointMismatchError):
            await place.seal(restored, pod=f"new-{number}")
    async with a_store(restored) as store:
        assert head < await store.position()
        notes = [note for (note,) in await store.pool.fetch("SELECT note FROM checkpoints")]
    assert kept == place.store.newest()
    roots = {read_checkpoint(note).head for note in (*notes, *place.store.history)}
    assert len(roots) == len({each.size for each in roots})


async def test_nothing_is_written_before_it_is_compared(
    cluster: str, dsn: str, place: Place, backup: tuple[str, str]
) -> None:
    """A process that appends does not open over an older backup; the right ledger opens."""
    name, restored = backup
    await write(dsn, EARLY)
    await place.seal(dsn)
    back_up(cluster, dsn, name)
    await write(dsn, LATE)
    await place.seal(dsn)

    outside = place.outside()
    with pytest.raises(CheckpointMismatchError, match=r"signed over \d+ rows, and the log ends at"):
        async with a_context(restored, place, outside):
            pass
    assert ("mismatch", [("CHECKPOINT_MISMATCH", True)]) == told(outside)
    async with a_context(dsn, place, outside) as context:
        assert ("matching", []) == told(outside)
        assert context.outside is outside
    assert ("none", [("NO_OUTSIDE_CHECKPOINT", False)]) == told(None)


def told(outside: Outside | None) -> tuple[str, list[tuple[str, bool]]]:
    """What metrics and readiness say."""
    reasons = [(reason.code, reason.stops) for reason in reasons_of(outside)]
    return state_of(outside), reasons


async def test_a_running_process_stops_writing(
    dsn: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that is changed under it is noticed within a look; writes are refused at once.

    The changed row is under no stored node of the tree: a look reads no others.
    """
    monkeypatch.setattr(outside_module, "LOOK_EVERY_S", 0.05)
    size = await write(dsn, EARLY[: TILE_SIZE - 1])
    await place.seal(dsn)
    outside = place.outside()
    async with a_context(dsn, place, outside) as context, a_store(dsn) as store:
        await context.do(Request(OPERATOR, "one", b"1", "test"), lambda _, __: Decision(b"1"))
        async with outside_module.watched(outside, store.pool):
            await tamper(store.pool, CHANGED, size)
            async with asyncio.timeout(20):
                await eventually(lambda: asyncio.sleep(0, outside.mismatch is not None))
            with pytest.raises(CheckpointMismatchError, match="not those that were signed"):
                await context.do(
                    Request(OPERATOR, "two", b"2", "test"), lambda _, __: Decision(b"2")
                )
        keys = await store.pool.fetch("SELECT key FROM command_keys WHERE caller = 'operator:test'")
    assert ["one"] == [key for (key,) in keys]


async def test_without_an_answer_nobody_begins(
    dsn: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that never compared neither opens nor signs while the store is down."""
    monkeypatch.setattr(outside_module, "FIRST_PAUSE_S", 0.01)
    await write(dsn, EARLY)
    outside = place.outside()
    place.store.status = 503
    with pytest.raises(OutsideUnreachableError):
        await place.seal(dsn)
    with pytest.raises(OutsideUnreachableError):
        async with a_context(dsn, place, outside):
            pass
    assert ("unreachable", [("CHECKPOINT_UNREACHABLE", False)]) == told(outside)
    async with a_store(dsn) as store:
        assert 0 == await store.pool.fetchval("SELECT count(*) FROM checkpoints")


async def test_an_operator_is_told_which_place_does_not_answer(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting, the address without its secrets, why, and what to do."""
    monkeypatch.setattr(outside_module, "FIRST_PAUSE_S", 0.0)
    host = place.store.address[7:]
    place.store.status = 503
    silent = {
        f"http://name:secret@{host}/one?signature=secret": (f"http://{host}/one", "HTTP 503"),
        f"http://name:secret@{NOBODY}/one?a=secret#secret": (
            f"http://{NOBODY}/one",
            "ConnectError",
        ),
        (tmp_path / "none" / "one").as_uri(): (f"file://{tmp_path}/none/one", "no such directory"),
    }
    for address, words in silent.items():
        outside = Outside(store_of(address), place.keys)
        with pytest.raises(OutsideUnreachableError) as refused:
            await outside.read()
        await outside.close()
        told = str(refused.value)
        for word in ("GONGJI_CHECKPOINT_URL", *words, "Nothing was written", "start again"):
            assert word in told
        assert "secret" not in told


async def test_who_has_compared_seals_on_and_tells_later(
    dsn: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that goes down stops no seal; the newest is put there once it answers again."""
    monkeypatch.setattr(outside_module, "BACK_OFF_S", 0.0)
    outside = place.outside()
    sealer = Sealer(dsn, place.keys, place.path, outside)
    await write(dsn, EARLY)
    await sealer.seal_now()
    before = place.store.newest()
    place.store.status = 500
    head = await write(dsn, LATE)
    await sealer.seal_now()
    assert before == place.store.newest()
    async with a_store(dsn) as store:
        assert head == await store.pool.fetchval("SELECT max(size) FROM checkpoints")
    place.store.status = None
    await sealer.seal_now()
    assert head == read_checkpoint(place.store.newest()).head.size


async def test_a_tree_that_lags_puts_no_older_checkpoint(dsn: str, place: Place) -> None:
    """With the tree lost, the same log is sealed again, and what is outside stays the newest."""
    await write(dsn, EARLY)
    head = await write(dsn, LATE)
    await place.seal(dsn)
    async with a_store(dsn) as store:
        for statement in (
            "TRUNCATE checkpoints CASCADE",
            "TRUNCATE tree_nodes",
            "UPDATE tree_edge SET size = 0, edge = ''",
        ):
            await tamper(store.pool, statement)
    await place.seal(dsn, pod="another")

    sizes = [read_checkpoint(note).head.size for note in place.store.history]
    assert sizes == sorted(sizes)
    assert head == sizes[-1]


async def test_what_is_foreign_is_a_mismatch_and_stays(dsn: str, place: Place) -> None:
    """Another ledger's checkpoint, another key's, and what is none: refused, never overwritten."""
    await write(dsn, EARLY)
    await place.seal(dsn)
    kept = place.store.newest()
    known = read_checkpoint(kept)
    other = Checkpoint("gongji/other", known.head)
    foreign = load_signer(place.keys, other.origin)
    forger = Signer(known.origin, b"f" * 32)
    wrong = {
        "another ledger": note_of(checkpoint_text(other), foreign.sign(checkpoint_text(other))),
        "signed by no key": note_of(checkpoint_text(known), forger.sign(checkpoint_text(known))),
        "by no key": "hello",
        "no key": "",
    }
    async with a_store(dsn) as store:
        for words, text in wrong.items():
            found = await difference(store.pool, text, place.keys)
            assert found is not None, words
            assert words in found
            place.store.objects["/one"] = text.encode()
            with pytest.raises(CheckpointMismatchError):
                await place.seal(dsn)
            assert text == place.store.newest()
        rotate(place.keys)
        assert None is await difference(store.pool, kept, place.keys)


async def test_both_kinds_of_places(place: Place, tmp_path: Path) -> None:
    """What is put is what is got; nothing yet is nothing; anything else is no answer."""
    folder = tmp_path / "外 outside"
    folder.mkdir()
    file = store_of((folder / "one").as_uri())
    over_http = store_of(f"http://name:secret@{place.store.address[7:]}/one?signature=secret")
    for there in (file, over_http):
        assert None is await there.get()
        await there.put("first\n")
        await there.put("second 共济\n")
        assert "second 共济\n" == await there.get()
    assert "secret" not in over_http.name
    place.store.objects["/one?signature=secret"] = b"x" * (BYTES_MAX + 1)
    with pytest.raises(OutsideUnreachableError):
        await over_http.get()
    place.store.status = 403
    for work in (over_http.get(), over_http.put("third\n")):
        with pytest.raises(OutsideUnreachableError):
            await work
    shutil.rmtree(folder)
    for work in (file.get(), file.put("third\n")):
        with pytest.raises(OutsideUnreachableError):
            await work
    await over_http.close()
    for address in ("ftp://host/one", "http:///one", "file:one", "file://host/one", "one", ""):
        with pytest.raises(AddressInvalidError):
            store_of(address)
