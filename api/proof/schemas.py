"""Proofs as they are asked for and told: members for programs, and the text forms of C2SP."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from api.http.fields import Body
from api.http.schemas import ApiModel
from api.settlement.examples import SETTLEMENT_ID

ORIGIN = "gongji/5f2a9c0d1e3b4a67"
ROOT = "M3oTbyeF7sD1ZaeFKkfrOCGQgj9AGRz4nU2CdL0cQrU="
FIRST = "CQYdQmTmYWL0d2TtFAYgYeRXcJrMZ0x7yIbLiDsMyZ0="
THIRD = "a9q0wqJ4kRS6P7wq0eOa3mSjR3AihYQ0B2dQ8sVRfKs="
LEAF = "2bVwQ0m8TLL6Jd9yC6VnKXUDWsTxEtTqdXg4Ba1y0qY="
SIGNED = f"\N{EM DASH} {ORIGIN} kq1Xb0c1v2n3...\n"
SEEN = "\N{EM DASH} hospital-1 7Yx2b9c4t5m6...\n"
CHECKPOINT = f"{ORIGIN}\n3\n{ROOT}\n\n{SIGNED}"
PROOF = f"c2sp.org/tlog-proof@v1\nextra {LEAF}\nindex 1\n{FIRST}\n{THIRD}\n\n{CHECKPOINT}"
KEY = f"{ORIGIN}+92ad576f+AQ0v8k5lJm1Gm3U7wq9sZ1cXh3T2m0r8kYp6bVn4x5yz"

PROOF_EXAMPLES: dict[str, dict[str, Any]] = {
    "CheckpointReply": {
        "origin": ORIGIN,
        "size": 3,
        "root": ROOT,
        "checkpoint": CHECKPOINT,
        "witnessed": CHECKPOINT + SEEN,
        "keys": [KEY],
    },
    "InclusionReply": {
        "position": 2,
        "leaf_index": 1,
        "size": 3,
        "leaf_hash": LEAF,
        "hashes": [FIRST, THIRD],
        "root": ROOT,
        "proof": PROOF,
    },
    "ConsistencyReply": {
        "from": 2,
        "to": 3,
        "from_root": FIRST,
        "root": ROOT,
        "hashes": [THIRD],
        "proof": f"old 2\n{THIRD}\n\n{CHECKPOINT}",
    },
    "ReceiptReply": {
        "settlement_id": SETTLEMENT_ID,
        "position": 2,
        "leaf_index": 1,
        "proof": PROOF,
    },
    "CosignatureReply": {"size": 3, "checkpoint": CHECKPOINT + SEEN},
}


KeyText = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,300}$")]
LineText = Annotated[str, StringConstraints(pattern="^\N{EM DASH} [!-~]{1,120} [!-~]{1,200}\n?$")]


class CosignatureBody(Body):
    """A witness's signature of the checkpoint of a size, and the key that it holds under."""

    verifier_key: KeyText
    size: Annotated[int, Field(ge=1, le=2**63 - 1)]
    line: LineText


class CheckpointReply(ApiModel):
    """Where the log stands; `checkpoint` is the signed note, `keys` all that ever signed here."""

    origin: str
    size: int
    root: str
    checkpoint: str
    witnessed: str | None
    keys: list[str]


class InclusionReply(ApiModel):
    """That a row is in the log; `proof` (tlog-proof) is null where no checkpoint has that size."""

    position: int
    leaf_index: int
    size: int
    leaf_hash: str
    hashes: list[str]
    root: str
    proof: str | None


class ConsistencyReply(ApiModel):
    """That the log of one size is the beginning of that of another, with both roots."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[int, Field(alias="from")]
    to: int
    from_root: str
    root: str
    hashes: list[str]
    proof: str | None


class ReceiptReply(ApiModel):
    """That a settlement is in the log, for anybody who has the log's key."""

    settlement_id: str
    position: int
    leaf_index: int
    proof: str


class CosignatureReply(ApiModel):
    """The checkpoint with every signature under it."""

    size: int
    checkpoint: str
