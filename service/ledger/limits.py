"""How much one process takes on at once, and for how long it lets a caller wait."""

from typing import NamedTuple

from service.ledger.heads import HEADS_MAX


class Limits(NamedTuple):
    """Sizes and times of the group commit."""

    batch_max: int = 256
    chunk_max: int = 64
    waiting_max: int = 4096
    deadline_s: float = 10.0
    heads_max: int = HEADS_MAX
