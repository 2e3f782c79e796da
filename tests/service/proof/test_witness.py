"""A witness signs what grew, once, and never a second history."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from service.proof.merkle import NO_EDGE, TreeHead, consistency_path, grow, root_of
from service.proof.signed_notes import (
    Checkpoint,
    NoteInvalidError,
    Signer,
    checkpoint_text,
    growth_text,
    is_signed,
    note_of,
    split_note,
)
from service.proof.witness import HistoryForkedError, load_witness, look, save_witness
from tests.service.proof.test_merkle import defined, proof, some_leaves

LOG = Signer("gongji/log", bytes(32))


def told(
    leaves: Sequence[bytes], old: int, signer: Signer = LOG, accesses: TreeHead | None = None
) -> str:
    """What a service tells a witness who saw a size before."""
    head = TreeHead(len(leaves), root_of(grow(NO_EDGE, leaves).edge.hashes))
    assert defined(leaves) == head.root
    text = checkpoint_text(Checkpoint(signer.verifier.name, head, accesses))
    hashes = proof(leaves, consistency_path(old, len(leaves))) if old else []
    return growth_text(old, hashes, note_of(text, signer.sign(text)))


def test_growth_is_signed_and_remembered(tmp_path: Path) -> None:
    """From nothing, then from what was seen; the file is his alone, and the line holds."""
    path, leaves = tmp_path / "witness.json", some_leaves(20)
    for old, size in ((0, 7), (7, 7), (7, 20)):
        witness = load_witness(path, "hospital-1")
        assert old == witness.seen.size
        cosigned = look(witness, told(leaves[:size], old), [LOG.verifier])
        save_witness(path, cosigned.witness)
        assert cosigned.witness.note is not None
        text, lines = split_note(cosigned.witness.note)
        assert [LOG.verifier.name, "hospital-1"] == [line.split()[1] for line in lines]
        assert is_signed(text, lines[1], witness.signer.verifier)
        assert not is_signed(text, lines[1], LOG.verifier)
    assert 0o600 == path.stat().st_mode & 0o777


def test_an_access_log_never_gets_shorter(tmp_path: Path) -> None:
    """It grows or stays as it was; fewer records, others or none are another history."""
    leaves, five = some_leaves(9), TreeHead(5, bytes(32))
    new = load_witness(tmp_path / "witness.json", "hospital-1")
    seen = look(new, told(leaves, 0, accesses=five), [LOG.verifier]).witness
    for accesses in (five, TreeHead(6, bytes(32))):
        look(seen, told(leaves, 9, accesses=accesses), [LOG.verifier])
    for fewer in (None, TreeHead(4, bytes(32)), TreeHead(5, bytes(31) + b"\1")):
        with pytest.raises(HistoryForkedError, match="5 records"):
            look(seen, told(leaves, 9, accesses=fewer), [LOG.verifier])


def test_another_history_is_never_signed(tmp_path: Path) -> None:
    """A rewritten row, a shorter log, a stranger's key, another log, another's file."""
    path, leaves = tmp_path / "witness.json", some_leaves(20)
    seen = look(load_witness(path, "hospital-1"), told(leaves[:9], 0), [LOG.verifier]).witness
    rewritten = [*leaves[:3], bytes(32), *leaves[4:]]
    with pytest.raises(HistoryForkedError):
        look(seen, told(rewritten, 9), [LOG.verifier])
    with pytest.raises(HistoryForkedError):
        look(seen, told(leaves[:5], 0).replace("old 0", "old 9"), [LOG.verifier])
    with pytest.raises(NoteInvalidError, match="another size"):
        look(seen, told(leaves, 4), [LOG.verifier])
    with pytest.raises(NoteInvalidError, match="no signature"):
        look(seen, told(leaves, 9), [Signer("gongji/log", bytes(31) + b"\1").verifier])
    other = Signer("gongji/other", bytes(32))
    with pytest.raises(NoteInvalidError, match="another log"):
        look(seen, told(leaves, 9, other), [other.verifier])
    with pytest.raises(NoteInvalidError, match="hospital-1"):
        load_witness(path, "hospital-2")
    path.write_text("{}")
    with pytest.raises(NoteInvalidError, match="not a witness"):
        load_witness(path, "hospital-1")
