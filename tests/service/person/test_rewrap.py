"""A new wrapping key: all persons are readable throughout, and the old key opens nothing."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from aggregates.vocabulary import ErasureReason, Insurance, StreamId
from service.account import accounts
from service.account.accounts import look_at_account
from service.account.erasure import Erase, erase
from service.context import ServiceContext
from service.ledger.postgres.store import PostgresStore
from service.person.masking import persons_of
from service.person.rewrap import Rewrapped, rewrap
from service.vault import KeyFileError, Personal, Vault, load_keys, read_key_file
from tests.service.settlement.settled_family import (
    AGENCY,
    PATIENT,
    a_context,
    asked,
    move_in,
    settled,
)

PEOPLE = 3


async def names_in(context: ServiceContext) -> list[str]:
    """Every person number, as it opens from what is stored."""
    assert isinstance(context.store, PostgresStore)
    found = await context.store.pool.fetch("SELECT stream FROM person_keys")
    people = await persons_of(context, [f"acc_{row['stream'].hex}" for row in found])  # type: ignore[misc]
    return sorted(person.person_no for person in people.values() if person)


async def arrive(context: ServiceContext, number: str) -> None:
    opening = accounts.OpenAccount(
        personal=Personal(number, "test", f"ID-{number}"),
        insurance=Insurance.EMPLOYEE,
        region="990000",
        status="NORMAL",
        flags=(),
    )
    assert None is (await accounts.open_account(context, asked(), opening)).refusal


async def wrapped_in(dsn: str) -> dict[str, bytes]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT stream, wrapped FROM person_keys")
    await connection.close()
    return {f"acc_{stream.hex}": wrapped for stream, wrapped in rows}


async def test_the_old_key_opens_nothing_afterwards(dsn: str, tmp_path: Path) -> None:
    """Without a running service one run is enough: all keys are wrapped anew."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        before = await names_in(context)
    file = tmp_path / "keys.json"
    old = read_key_file(file)
    done = await rewrap(dsn, file)
    new = read_key_file(file)

    assert Rewrapped(PEOPLE, is_done=True) == done
    assert set(old) == set(new)
    assert old["sealing"] == new["sealing"]
    assert old["digesting"] == new["digesting"]
    assert old["wrapping"] != new["wrapping"]
    stale = Vault(bytes.fromhex(old["wrapping"]), bytes.fromhex(old["digesting"]))
    for stream, wrapped in (await wrapped_in(dsn)).items():
        with pytest.raises(KeyFileError):
            stale.rewrap(wrapped, stream)  # type: ignore[arg-type]
    async with a_context(dsn, tmp_path) as context:
        assert before == await names_in(context)


async def test_a_running_service_reads_everybody_all_the_time(dsn: str, tmp_path: Path) -> None:
    """The old key stays until the service ends; accounts opened meanwhile are readable."""
    file = tmp_path / "keys.json"
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        first = await rewrap(dsn, file)
        await arrive(context, "LATE")
        look = await look_at_account(context, AGENCY, PATIENT)
        await settled(context, "visit")
        names = await names_in(context)
        kept = read_key_file(file)
    last = await rewrap(dsn, file)

    assert Rewrapped(PEOPLE, is_done=False) == first
    assert "normal" == json.loads(look.answer)["status"]
    assert "LATE" in names
    assert "previous" in kept
    assert Rewrapped(1, is_done=True) == last
    async with a_context(dsn, tmp_path) as context:
        assert names == await names_in(context)


async def test_a_run_that_was_cut_off_goes_on(dsn: str, tmp_path: Path) -> None:
    """After an interruption everything opens, and a later run completes it."""
    file = tmp_path / "keys.json"
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        before = await names_in(context)
    told: list[int] = []

    def cut(count: int) -> None:
        if count:
            told.append(count)
            raise ConnectionError

    for _ in range(2):
        with pytest.raises(ConnectionError):
            await rewrap(dsn, file, cut, batch=1)
        async with a_context(dsn, tmp_path) as context:
            assert before == await names_in(context)
    done = await rewrap(dsn, file)

    assert done.is_done
    assert [1, 1] == told
    assert PEOPLE == len(told) + done.wrapped
    async with a_context(dsn, tmp_path) as context:
        assert before == await names_in(context)


async def test_the_erased_do_not_come_back(dsn: str, tmp_path: Path) -> None:
    """A person erased during the run has no key afterwards."""
    file = tmp_path / "keys.json"
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        await arrive(context, "GONE")
        change = accounts.ChangeStatus(
            person_no="GONE", status="CLOSED", reason="left", effective_on=None, successor=None
        )
        await accounts.change_status(context, asked(), change)
        go = Erase(person_no="GONE", reason=ErasureReason.RETENTION_OVER, legal_basis="law")
        await asyncio.gather(rewrap(dsn, file), erase(context, asked(), go))
        assert "GONE" not in await names_in(context)

    assert PEOPLE == len(await wrapped_in(dsn))


async def test_other_keys_are_refused(dsn: str, tmp_path: Path) -> None:
    """A key file of another ledger changes nothing; the old file starts no service."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
    stranger = tmp_path / "stranger.json"
    load_keys(stranger)
    before = stranger.read_bytes()
    with pytest.raises(KeyFileError):
        await rewrap(dsn, stranger)
    assert before == stranger.read_bytes()
    file = tmp_path / "keys.json"
    old = file.read_bytes()
    await rewrap(dsn, file)
    file.write_bytes(old)

    with pytest.raises(KeyFileError):
        async with a_context(dsn, tmp_path):
            raise AssertionError("it must not start")


async def test_an_institution_s_secret_opens_under_any_wrapping_key(
    dsn: str, tmp_path: Path
) -> None:
    """A secret in an event is not sealed with a key that is replaced."""
    file = tmp_path / "keys.json"
    stream = StreamId("ins_" + "1" * 32)
    async with a_context(dsn, tmp_path) as context:
        sealed = context.vault.seal_secret("told once", stream)
    assert (await rewrap(dsn, file)).is_done

    assert "told once" == load_keys(file).unseal_secret(sealed, stream)
