"""Requests and replies of proofs: members for programs, and the text forms of C2SP."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from api.http.fields import Body
from api.http.schemas import ApiModel

KeyText = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,300}$")]
LineText = Annotated[str, StringConstraints(pattern="^\N{EM DASH} [!-~]{1,120} [!-~]{1,200}\n?$")]


class CosignatureBody(Body):
    """A witness's signature of the checkpoint of a size, and the key that verifies it."""

    verifier_key: KeyText
    size: Annotated[int, Field(ge=1, le=2**63 - 1)]
    line: LineText


class CheckpointReply(ApiModel):
    """The newest checkpoint; `checkpoint` is the signed note, `keys` all that ever signed."""

    origin: str
    size: int
    root: str
    checkpoint: str
    witnessed: str | None
    keys: list[str]


class InclusionReply(ApiModel):
    """That a row is in the log; `proof` (tlog-proof) is null if no checkpoint has that size."""

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
    """That a settlement is in the log; anybody with the log's key can check it."""

    settlement_id: str
    position: int
    leaf_index: int
    proof: str


class CosignatureReply(ApiModel):
    """The checkpoint with every signature under it."""

    size: int
    checkpoint: str
