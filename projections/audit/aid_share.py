"""Compares the share of aid in institutions' bills with that of their peers (policy.md §6.4).

A month is compared when the first bill of a later month comes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aggregates.vocabulary import StreamId
from projections.audit.thresholds import LIMITS, Signal, SignalKind


class Month(NamedTuple):
    """The sums of an institution's bills of a month, in fen; `last` is the newest bill's position.

    `month` is like 2026-03. `kind` is that of the institution; peers have the same kind.
    """

    place: StreamId
    month: str
    kind: str
    bills: int
    own_fen: int
    aid_fen: int
    last: int

    @property
    def percent(self) -> int:
        """The share of aid in what accounts paid, in whole percent."""
        return 100 * self.aid_fen // max(1, self.own_fen + self.aid_fen)


def shares(months: Sequence[Month], position: int) -> Iterator[Signal]:
    """A signal for each institution whose share of aid in a month is far above its peers' share."""
    limit = LIMITS[SignalKind.AID_SHARE].numbers
    for own in months:
        peers = [m for m in months if m.kind == own.kind and m.place != own.place]
        if own.bills < limit["bills"] or len(peers) < limit["peers"]:
            continue
        aid_fen = sum(peer.aid_fen for peer in peers)
        paid_fen = aid_fen + sum(peer.own_fen for peer in peers)
        peers_percent = 100 * aid_fen // max(1, paid_fen)
        if own.percent < max(limit["percent"], limit["times_peers"] * peers_percent):
            continue
        yield Signal(
            kind=SignalKind.AID_SHARE,
            position=position,
            accounts=(),
            settlements=(),
            places=(own.place,),
            positions=(own.last,),
            figures={
                "percent": own.percent,
                "peers_percent": peers_percent,
                "peers": len(peers),
                "bills": own.bills,
                "aid_fen": own.aid_fen,
            },
        )
