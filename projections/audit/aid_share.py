"""Institutions beside their peers: whose bills are paid by aid far more than others' are.

A month is compared when the first bill of a later one comes (policy.md §6.4).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aggregates.vocabulary import StreamId
from projections.audit.thresholds import LIMITS, Signal, SignalKind


class Month(NamedTuple):
    """What an institution's bills of a month came to, in fen; `last` is its newest bill's position.

    `month` is 2026-03; `kind` that of the institution: peers are of one kind.
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
        """Aid's share of what accounts paid, in whole hundredths."""
        return 100 * self.aid_fen // max(1, self.own_fen + self.aid_fen)


def shares(months: Sequence[Month], position: int) -> Iterator[Signal]:
    """Institutions of one month whose share of aid is far above their peers' together."""
    limit = LIMITS[SignalKind.AID_SHARE].numbers
    for one in months:
        peers = [m for m in months if m.kind == one.kind and m.place != one.place]
        if one.bills < limit["bills"] or len(peers) < limit["peers"]:
            continue
        aid_fen = sum(peer.aid_fen for peer in peers)
        paid_fen = aid_fen + sum(peer.own_fen for peer in peers)
        peers_percent = 100 * aid_fen // max(1, paid_fen)
        if one.percent < max(limit["percent"], limit["times_peers"] * peers_percent):
            continue
        yield Signal(
            kind=SignalKind.AID_SHARE,
            position=position,
            accounts=(),
            settlements=(),
            places=(one.place,),
            positions=(one.last,),
            figures={
                "percent": one.percent,
                "peers_percent": peers_percent,
                "peers": len(peers),
                "bills": one.bills,
                "aid_fen": one.aid_fen,
            },
        )
