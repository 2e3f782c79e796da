"""The access log under the checkpoints: exported, checked offline, and every tamper found."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.verify.gongji_verify import AccessLogVerifier, Fault, print_report, read_key, verify
from service.ledger.access_log import BEGINNING, Access, link_of, prune, record, sealed
from service.ledger.access_log import leaf_of as access_leaf
from service.ledger.postgres.store import PostgresStore
from service.proof.access_log_head import AccessesBrokenError
from service.proof.export_access_log import export_accesses
from service.proof.proofs import newest
from service.proof.sealer import Sealer, check_accesses, check_length
from service.proof.signed_notes import read_checkpoint, split_note
from tests import checker
from tests.api.audit.test_accesses import an_access
from tests.api.clients import Desk, a_family
from tests.ledgers import tamper


class Sealing:
    """An access log in PostgreSQL, sealed when a test says so."""

    def __init__(self, desk: Desk, dsn: str, place: Path) -> None:
        """Seal with keys in a directory of the test's."""
        assert isinstance(desk.context.store, PostgresStore)
        self.pool = desk.context.store.pool
        self.place = place
        self.sealer = Sealer(dsn, place / "keys.json", place)

    async def seal(self) -> str:
        """Seal what there is; the newest note."""
        await self.sealer.seal_now()
        return (await newest(self.pool)).note

    async def lines(self) -> list[str]:
        """The access log as it is exported."""
        return [line async for line in export_accesses(self.pool)]

    async def forge(self, first: int) -> None:
        """Rewrite an access as an owner of the database can, with every later hash recomputed."""
        await tamper(self.pool, "UPDATE accesses SET caller = 'x' WHERE position = $1", first)
        async with self.pool.acquire() as connection, connection.transaction():
            kept = [each.stored async for each in sealed(connection, 0, 2**62)]
        link, position = BEGINNING, 0
        for position, access in kept:
            link = link_of(link, position, access_leaf(access))
            await tamper(
                self.pool, "UPDATE accesses SET hash = $2 WHERE position = $1", position, link
            )
        await tamper(self.pool, "UPDATE access_head SET position = $1, hash = $2", position, link)

    async def cut(self, last: int) -> None:
        """Drop the newest accesses, the head fitted to what stays."""
        await tamper(self.pool, "DELETE FROM accesses WHERE position > $1", last)
        await tamper(
            self.pool,
            "UPDATE access_head SET position = $1,"
            " hash = (SELECT hash FROM accesses WHERE position = $1)",
            last,
        )


def found(lines: list[str], outside: str | None = None) -> list[Fault]:
    """What the offline verifier finds in an access log."""
    keys = [read_key(key) for key in json.loads(lines[0])["keys"]]
    walk = verify(lines, keys, outside)
    assert isinstance(walk, AccessLogVerifier)
    return walk.faults.found


def some(first: int, last: int) -> list[Access]:
    return [an_access(number)._replace(streams=()) for number in range(first, last)]


@pytest.fixture
async def sealing(desk_on_postgres: Desk, dsn: str, tmp_path: Path) -> AsyncIterator[Sealing]:
    """Thirty accesses, with a checkpoint after each ten."""
    await a_family(desk_on_postgres)
    made = Sealing(desk_on_postgres, dsn, tmp_path)
    await made.seal()
    for first in (0, 10, 20):
        await record(made.pool, some(first, first + 10))
        await made.seal()
    yield made
    await made.sealer.close()


async def test_accesses_alone_are_sealed(sealing: Sealing) -> None:
    """The log did not grow, the access log did: a checkpoint of the same rows signs its head."""
    notes = await sealing.pool.fetch("SELECT size, note FROM checkpoints ORDER BY accesses")
    told = [read_checkpoint(split_note(note)[0]).accesses for _, note in notes]
    before = await sealing.seal()

    assert 1 == len({size for size, _ in notes})
    assert [0, 10, 20, 30] == [head.size for head in told if head]
    assert before == await sealing.seal()
    key = await sealing.pool.fetchval("SELECT verifier_key FROM seal_keys")
    assert notes[0]["size"] == checker.opened(before, key).size


async def test_the_untouched_access_log_passes(
    sealing: Sealing, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, against each checkpoint kept outside, and with more accesses behind it."""
    kept = [row["note"] for row in await sealing.pool.fetch("SELECT note FROM checkpoints")]
    await record(sealing.pool, some(30, 33))
    await sealing.seal()
    lines = await sealing.lines()

    for outside in (None, *kept):
        assert [] == found(lines, outside)
    assert 33 == len(lines) - 1
    assert 4 == sum("checkpoint" in json.loads(line) for line in lines[1:])
    keys = [read_key(key) for key in json.loads(lines[0])["keys"]]
    assert 0 == print_report(verify(lines, keys, kept[-1]))
    assert 5 == capsys.readouterr().out.count("ok   ")


async def test_a_rewritten_access_log_is_found(sealing: Sealing) -> None:
    """With all hashes recomputed it is another than every checkpoint over it signed."""
    seen = await sealing.seal()
    await sealing.forge(15)
    lines = await sealing.lines()

    faults = found(lines, seen)
    assert {("chain", 20), ("outside", 30)} == {fault[:2] for fault in faults}
    assert "accesses 11 to 20 are not what was signed there" in {fault.what for fault in faults}
    with pytest.raises(AccessesBrokenError, match="30 and was signed up to 30"):
        await sealing.seal()
    for check in (check_accesses, check_length):
        with pytest.raises(AccessesBrokenError):
            await check(sealing.pool, sealing.place)


async def test_a_rewritten_log_signed_anew_is_found_from_outside(sealing: Sealing) -> None:
    """Who owns the database and the key makes all of it anew: a kept checkpoint tells."""
    seen = await sealing.seal()
    await sealing.forge(15)
    await tamper(sealing.pool, "TRUNCATE checkpoints CASCADE")
    await tamper(sealing.pool, "UPDATE tree_edge SET size = 0, edge = ''")
    await tamper(sealing.pool, "TRUNCATE tree_nodes")
    for mark in sealing.place.glob("checkpoint-*"):
        mark.unlink()
    await sealing.seal()
    lines = await sealing.lines()

    assert [] == found(lines)
    assert [("outside", 30)] == [fault[:2] for fault in found(lines, seen)]


async def test_a_cut_tail_is_found(sealing: Sealing) -> None:
    """By the service itself, by the header, and with an older header by a kept checkpoint."""
    seen = await sealing.seal()
    lines = await sealing.lines()
    assert [("contiguity", 27), ("chain", 27)] == [fault[:2] for fault in found(lines[:-3])]
    older = json.loads(lines[20])["checkpoint"]
    head = json.loads(lines[0]) | {"to": 20, "checkpoint": older}
    shorter = [json.dumps(head), *lines[1:21]]
    await sealing.cut(20)

    assert [] == found(shorter)
    (fault,) = found(shorter, seen)
    assert ("outside", 20, "the access log ends at 20, and had 30 before") == fault
    with pytest.raises(AccessesBrokenError, match="ends at 20 and was signed up to 30"):
        await sealing.seal()
    await record(sealing.pool, some(50, 70))
    with pytest.raises(AccessesBrokenError):
        await sealing.seal()


def of(**changes: object) -> Any:  # noqa: ANN401 -- an edit of a line
    return lambda line: json.dumps(json.loads(line) | changes)


TAMPERS: dict[str, tuple[Any, str, int]] = {
    "a changed caller": (lambda lines: edited(lines, 7, of(caller="x")), "chain", 7),
    "a changed time": (lambda lines: edited(lines, 8, of(at=1)), "chain", 8),
    "a stream more": (lambda lines: edited(lines, 9, of(streams=["acc_x"])), "chain", 9),
    "a dropped access": (lambda lines: [*lines[:5], *lines[6:]], "contiguity", 6),
    "swapped accesses": (
        lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
        "contiguity",
        6,
    ),
    "a broken line": (lambda lines: edited(lines, 4, lambda _: "{}"), "format", 0),
    "no time": (lambda lines: edited(lines, 4, of(at="now")), "format", 0),
    "another checkpoint": (
        lambda lines: edited(
            lines,
            20,
            of(checkpoint=json.loads(lines[20])["checkpoint"].replace("accesses 20", "accesses 2")),
        ),
        "chain",
        20,
    ),
    "a checkpoint that nobody signed": (
        lambda lines: edited(
            lines,
            0,
            of(checkpoint=json.loads(lines[0])["checkpoint"].replace("accesses 30", "accesses 3")),
        ),
        "signature",
        0,
    ),
}


def edited(lines: list[str], at: int, edit: Any) -> list[str]:  # noqa: ANN401
    return [*lines[:at], edit(lines[at]), *lines[at + 1 :]]


async def test_tampered_lines_are_found(sealing: Sealing) -> None:
    """What was changed and where, whatever it was."""
    lines = await sealing.lines()

    for name, (change, check, position) in TAMPERS.items():
        places = [fault[:2] for fault in found(change(lines))]
        assert (check, position) in places, name


async def test_what_was_forgotten_is_told(sealing: Sealing) -> None:
    """Old accesses leave, only signed ones, and what stays is still proven to the newest."""
    older = json.loads((await sealing.lines())[10])["checkpoint"]
    await record(sealing.pool, some(30, 35))
    assert 30 == await prune(sealing.pool, 10**12)
    seen = await sealing.seal()
    lines = await sealing.lines()
    keys = [read_key(key) for key in json.loads(lines[0])["keys"]]

    assert [] == found(lines, seen)
    assert 31 == json.loads(lines[1])["position"]
    skipped = verify(lines, keys, older).faults.skipped["outside"]
    assert skipped == "accesses up to 30 were pruned, and it signs older ones"
