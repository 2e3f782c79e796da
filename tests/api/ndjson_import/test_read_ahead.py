"""Lines read ahead by a child, and carried out many at a time in the file's order."""

import itertools
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from typing_extensions import override

from aggregates.refusals import UnknownError
from aggregates.vocabulary import StreamId
from api.commands.import_file import load
from api.ndjson_import.lines import read_line
from api.ndjson_import.read_ahead import TOGETHER, Window, reading
from service.command_batch import carry_out
from service.context import ServiceContext, furnish
from service.ledger.command import KeyReusedError, Reply
from service.ledger.memory_store import MemoryStore
from service.ledger.store import ReadResult
from service.policy import publish
from tests.api.clients import BOOK, CANARY_ID, CANARY_NAME, LEDGER_KEYS, NOW, an_opening
from tests.cases.outcome import StoppedClock

Line = dict[str, object]


class CountingStore(MemoryStore):
    """A ledger in memory that counts how often it was read."""

    reads = 0

    @override
    async def read(
        self, streams: Iterable[StreamId], names: Iterable[bytes], persons: Iterable[StreamId] = ()
    ) -> ReadResult:
        self.reads += 1
        return await super().read(streams, names, persons)


@pytest.fixture
async def context() -> AsyncIterator[ServiceContext]:
    """A house on memory with every region's rules published."""
    clock = StoppedClock()
    clock.at = NOW
    made = furnish(CountingStore(), LEDGER_KEYS, BOOK, clock)
    await publish(made)
    yield made
    await made.close()


def account(number: str) -> Line:
    return {"type": "account"} | an_opening(number)


def credit(number: str, amount: str, reference: str) -> Line:
    return {"type": "credit", "person_no": number, "amount": amount, "reference": reference}


def a_household(number: int) -> list[Line]:
    """A child with money whose parents, all newcomers, pay for it in an order."""
    child, *parents = names = [f"P{number}", f"P{number}A", f"P{number}B"]
    lines = [line for name in names for line in (account(name), credit(name, "9.00", name))]
    for parent in parents:
        kin: Line = {"person_no": child, "relative": parent, "relation": "parent"}
        tie: Line = {"sponsor": parent, "beneficiary": child, "relation": "child"}
        lines += [
            {"type": "kinship"} | kin,
            {"type": "binding", "confirmed_at": "2025-01-01T09:00:00+08:00"} | tie,
        ]
    return [*lines, {"type": "order", "beneficiary": child, "sponsors": parents}]


async def told(context: ServiceContext, *lines: Line) -> list[Reply | Exception]:
    items = [read_line(json.dumps(line).encode())[1] for line in lines]
    return await carry_out(context, items)


async def test_newcomers_are_decided_without_reading(context: ServiceContext) -> None:
    """What hangs on an account of the same window needs no look into the store."""
    lines = list(itertools.chain.from_iterable(a_household(n) for n in range(4)))
    assert isinstance(context.store, CountingStore)
    before = context.store.reads
    replies = await told(context, *lines)

    assert all(isinstance(reply, Reply) and reply.refusal is None for reply in replies)
    assert before == context.store.reads
    replies = await told(context, *lines)
    assert all(isinstance(reply, Reply) and reply.is_replayed for reply in replies)


async def test_a_line_stands_on_those_before_it(context: ServiceContext) -> None:
    """Money for a person who comes later finds nobody; the same line again then finds him."""
    first, opened, again = await told(
        context, credit("P1", "1.00", "r1"), account("P1"), credit("P1", "1.00", "r2")
    )

    assert isinstance(first, UnknownError)
    assert isinstance(opened, Reply)
    assert isinstance(again, Reply)
    assert b'"current":"1.00"' in again.answer
    (late,) = await told(context, credit("P1", "1.00", "r1"))
    assert isinstance(late, Reply)
    assert b'"current":"2.00"' in late.answer


async def test_a_key_counts_once_in_a_window(context: ServiceContext) -> None:
    """The same line twice is one; another body under its reference is refused."""
    _, once, twice, other = await told(
        context,
        account("P1"),
        credit("P1", "1.00", "r1"),
        credit("P1", "1.00", "r1"),
        credit("P1", "2.00", "r1"),
    )

    assert isinstance(once, Reply)
    assert isinstance(twice, Reply)
    assert (False, True) == (once.is_replayed, twice.is_replayed)
    assert (once.answer, once.position) == (twice.answer, twice.position)
    assert isinstance(other, KeyReusedError)


async def test_a_file_is_told_line_by_line(context: ServiceContext, tmp_path: Path) -> None:
    """Every line has its number and its end, in order, over more windows than one."""
    lines: list[Line] = [account(f"P{n}") for n in range(TOGETHER + 1)]
    path = a_file(tmp_path, [*lines[:5], {"type": "gift"}, credit("X", "1.00", "x"), *lines[5:]])
    found = []
    with reading(path, LEDGER_KEYS) as windows:
        sizes = []
        async for size, ended in load(context, windows):
            sizes.append(size)
            found += ended

    assert path.stat().st_size == sum(sizes)
    assert list(range(1, len(lines) + 3)) == [line.number for line in found]
    bad = [(line.number, line.why) for line in found if line.what == "bad"]
    assert [(6, "FIELD_INVALID"), (7, "NOT_FOUND")] == bad


def test_nobody_leaves_the_child_in_clear(tmp_path: Path) -> None:
    """A newcomer is sealed where he is read; the child ends when nobody listens any more."""
    person = account("P1") | {"name": CANARY_NAME, "cert_no": CANARY_ID}
    path = a_file(tmp_path, [person] + [account(f"P{n}") for n in range(2, 20 * TOGETHER)])
    with reading(path, LEDGER_KEYS) as windows:
        window = windows.recv()

    assert isinstance(window, Window)
    assert TOGETHER == len(window.lines)
    assert "account" == window.lines[0].kind
    assert CANARY_NAME not in repr(window)
    assert CANARY_ID not in repr(window)


def a_file(place: Path, lines: Iterable[Line]) -> Path:
    path = place / "lines.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
