"""Tampers by who cannot sign: each found by the offline verifier, with what and where."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.verify.gongji_verify import read_key, verify
from service.proof.signed_notes import Signer
from tests.api.clients import a_desk_on_memory
from tests.api.proof.tampering import Log, a_year, counted, edited, of_event, place, without
from tests.exports import KEY, ORIGIN, export_of, faults_in, leaves_of, signed_over


@pytest.fixture(scope="module")
async def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The rows of a year."""
    async with a_desk_on_memory(Path(tmp_path_factory.mktemp("desk"))) as desk:
        await a_year(desk)
        return leaves_of(desk.context.store)


def test_the_untouched_log_passes(log: Log) -> None:
    """No fault, with checkpoints on the way and one outside, and many kinds of rows."""
    lines = export_of(log, ways=range(2, len(log), 5))
    outside = signed_over(log[: len(log) // 2]).note

    assert [] == faults_in(lines, outside=outside)
    assert len({leaf.topic for leaf in log}) > 25


def swapped(log: Log) -> Log:
    """Two neighbours in each other's place, each with the other's position."""
    at = place(log, "account.debited")
    one, other = log[at], log[at + 1]
    first = other._replace(position=one.position)
    return [*log[:at], first, one._replace(position=other.position), *log[at + 2 :]]


def inserted(log: Log) -> Log:
    """A credit that was never made, and everything after it one further."""
    at = place(log, "account.credited")
    return counted([*log[: at + 1], log[at], *log[at + 1 :]])


def lines_of(tampered: Log, log: Log) -> list[str]:
    """An export of other rows under the checkpoint of the true ones, every hash recomputed."""
    return export_of(tampered, signed_over(log))


TAMPERS: dict[str, tuple[Callable[[Log], Log], str]] = {
    "a changed amount": (
        lambda log: edited(log, place(log, "account.debited"), of_event(current_fen=1)),
        "tree",
    ),
    "a changed actor": (
        lambda log: edited(log, 9, lambda stored: stored["act"].update(actor="somebody")),
        "tree",
    ),
    "another time": (lambda log: [*log[:-1], log[-1]._replace(recorded_at=2**60)], "tree"),
    "another stream": (
        lambda log: [*log[:-1], log[-1]._replace(stream=bytes(16), version=1)],
        "tree",
    ),
    "another topic": (
        lambda log: [
            leaf._replace(topic="account.unfrozen/1")
            if leaf.topic == "account.order-changed/1"
            else leaf
            for leaf in log
        ],
        "tree",
    ),
    "swapped events": (swapped, "tree"),
    "an inserted event": (inserted, "contiguity"),
    "a deleted event": (lambda log: without(log, 20), "contiguity"),
    "a deleted event, renumbered": (lambda log: counted(without(log, 20)), "contiguity"),
    "a deleted tail": (lambda log: log[:-3], "contiguity"),
    "a changed policy": (
        lambda log: edited(log, 0, of_event(edition="another")),
        "tree",
    ),
    "a doubled row": (lambda log: [*log[:7], log[6], *log[7:]], "contiguity"),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_who_cannot_sign_is_found(log: Log, name: str) -> None:
    """Whatever is done to rows, with every hash recomputed, the signed root is not theirs."""
    tamper, check = TAMPERS[name]
    lines = lines_of(tamper(log), log)
    header = json.loads(lines[0]) | {"to": len(log)}
    found = faults_in([json.dumps(header), *lines[1:]])

    assert check in {fault.check for fault in found}


def test_a_changed_row_is_named_to_the_row(log: Log) -> None:
    """Content that does not fit its own leaf is told with position and stream."""
    at = place(log, "account.debited", 2)
    lines = export_of(log)
    told = json.loads(lines[at + 1])
    told["state"] = told["state"].replace('"current_fen":', '"current_fen":1')
    lines[at + 1] = json.dumps(told)
    (first, *_) = [fault for fault in faults_in(lines) if fault.check == "tree"]

    assert (at + 1, True) == (first.position, log[at].stream.hex() in first.what)


def test_a_rewritten_stretch_is_named_by_the_checkpoints_around_it(log: Log) -> None:
    """With all hashes recomputed, the fault lies between two checkpoints that were signed."""
    at = place(log, "account.debited", 2)
    tampered = edited(log, at, of_event(current_fen=1))
    before, after = at - 2, at + 4
    lines = lines_of(tampered, log)
    for size in (before, after):
        lines[size] = json.dumps(
            json.loads(lines[size]) | {"checkpoint": signed_over(log[:size]).note}
        )
    (first, *_) = [fault for fault in faults_in(lines) if fault.check == "tree"]

    assert after == first.position
    assert f"rows {before + 1} to {after} are not what was signed" in first.what


def test_rewritten_history_under_a_forged_checkpoint_is_found(log: Log) -> None:
    """Recomputed to the root, but signed by nobody, by another key, or by one of that name."""
    tampered = edited(log, place(log, "account.debited"), of_event(current_fen=1))
    true = signed_over(log).note
    forged = signed_over(tampered)
    stranger = signed_over(tampered, Signer("gongji/other", bytes(31) + b"\1"))
    namesake = signed_over(tampered, Signer(ORIGIN, bytes(31) + b"\1"))
    unsigned = forged._replace(note=forged.note.split("\n\n")[0] + "\n\n" + true.split("\n\n")[1])
    for signed in (stranger, namesake, unsigned):
        found = {fault.check for fault in faults_in(export_of(tampered, signed))}
        assert "signature" in found


def test_a_cut_tail_is_found_against_a_checkpoint_outside(log: Log) -> None:
    """A shorter log under its own older checkpoint is whole in itself, and shorter than it was."""
    cut = log[: place(log, "account.year-closed")]
    lines = export_of(cut)

    assert [] == faults_in(lines)
    (fault,) = faults_in(lines, outside=signed_over(log).note)
    assert ("outside", len(cut)) == (fault.check, fault.position)
    assert f"ends at {len(cut)}, and had {len(log)} rows" in fault.what


def test_another_history_is_found_against_a_checkpoint_outside(log: Log) -> None:
    """Who has even the key and signs anew is given away by anybody who kept a checkpoint."""
    tampered = counted(without(log, 5))
    kept = signed_over(log[:30]).note
    found = faults_in(export_of(tampered), outside=kept)

    assert [30] == [fault.position for fault in found if fault.check == "outside"]
    forged = signed_over(log, Signer(ORIGIN, bytes(31) + b"\1")).note
    assert "outside" in {f.check for f in faults_in(export_of(log), outside=forged)}


def test_what_is_not_known_here_is_counted_and_not_blamed(log: Log) -> None:
    """Rows of a later release and of a library are in the tree, and told as not checked."""
    last = log[-1]
    later = last._replace(
        position=last.position + 1, stream=bytes(16), version=1, state=b'{"act":{}}'
    )
    gift = later._replace(topic="gift.given/1")
    money = later._replace(
        position=gift.position + 1,
        topic="account.moved/1",
        stream=log[place(log, "account.debited")].stream,
        version=99,
    )
    library = later._replace(
        position=money.position + 1, topic="dogs:Dog.Registered", version=0, state=b"\xff\x00"
    )
    rows = [*log, gift, money._replace(version=versions(log)[money.stream] + 1), library]
    walk = verify(export_of(rows), [read_key(KEY)], None)

    assert [] == walk.faults.found
    assert {gift.topic: 1, money.topic: 1, library.topic: 1} == dict(walk.faults.unknown)
    rows[-1] = library._replace(state=b"\xff\x01")
    assert ["tree"] == [fault.check for fault in faults_in(lines_of(rows, [*rows[:-1], library]))]


def versions(log: Log) -> dict[bytes, int]:
    return {leaf.stream: leaf.version for leaf in log}


def test_what_is_no_row_is_named_by_its_line(log: Log) -> None:
    """A line that cannot be read is a fault, not the end."""
    lines = export_of(log)
    lines[5] = '{"position": 5}\n'
    found = faults_in(lines)

    assert ["line 6 is not a row (KeyError)"] == [f.what for f in found if f.check == "format"]
    assert "contiguity" in {fault.check for fault in found}


def test_the_key_is_the_one_that_is_given(log: Log) -> None:
    """Under another key of the same name nothing is signed."""
    other = Signer(ORIGIN, bytes(31) + b"\7").verifier.text()

    assert KEY != other
    assert ["signature"] == [fault.check for fault in faults_in(export_of(log), key=other)]
