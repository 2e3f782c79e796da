"""Exports of ledgers in memory, as `gongji export` writes them, and what the verifier says."""

import json
from collections.abc import Iterable, Sequence

from api.verify.gongji_verify import Fault, read_key, verify
from service.ledger.codec import encode, encode_act
from service.ledger.memory_store import MemoryStore
from service.ledger.store import Store
from service.proof.export import ExportRange, header_of, row_of
from service.proof.merkle import NO_EDGE, Leaf, TreeHead, grow, leaf_hash, root_of
from service.proof.proofs import Signed
from service.proof.signed_notes import Checkpoint, Signer, checkpoint_text, note_of

ORIGIN = "gongji/5f2a9c0d1e3b4a67"
SIGNER = Signer(ORIGIN, bytes(32))
KEY = SIGNER.verifier.text()


def leaves_of(store: Store) -> list[Leaf]:
    """A memory's log as rows."""
    assert isinstance(store, MemoryStore), "only memory is read whole"
    leaves: list[Leaf] = []
    for recorded in store.log:
        row = encode(recorded.stream, recorded.version, recorded.event, encode_act(recorded.act))
        stream = bytes.fromhex(recorded.stream.rpartition("_")[2])
        at = recorded.recorded_at
        leaves.append(Leaf(recorded.position, stream, row.version, row.topic, at, row.state))
    return leaves


def signed_over(leaves: Iterable[Leaf], signer: Signer = SIGNER) -> Signed:
    """A checkpoint over rows, in the order given."""
    edge = grow(NO_EDGE, map(leaf_hash, leaves)).edge
    head = TreeHead(edge.size, root_of(edge.hashes))
    text = checkpoint_text(Checkpoint(signer.verifier.name, head))
    return Signed(head, note_of(text, signer.sign(text)))


def export_of(
    leaves: Sequence[Leaf], signed: Signed | None = None, ways: Iterable[int] = ()
) -> list[str]:
    """A whole export; `ways` are the sizes at which a checkpoint was signed on the way."""
    signed = signed or signed_over(leaves)
    head = header_of(ORIGIN, (1, len(leaves)), signed, [KEY], ExportRange())
    rows = [row_of(leaf) for leaf in leaves]
    for size in ways:
        rows[size - 1]["checkpoint"] = signed_over(leaves[:size]).note
    return [json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *rows)]


def faults_in(lines: Iterable[str], key: str = KEY, outside: str | None = None) -> list[Fault]:
    """What the offline verifier finds."""
    return verify(lines, [read_key(key)], outside).faults.found
