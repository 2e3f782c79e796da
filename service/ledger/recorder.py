"""The eventsourcing library's face of our ledger: PERSISTENCE_MODULE=service.ledger.recorder.

Over the same tables, in the same order, under the same lock as our own appends. The library
blocks, so this is for its applications, projections and tools, never for the HTTP path.

All applications of one database (or schema, by `search_path`) share one log. An application
that follows another and records events itself needs a ledger of its own, which its
environment gives it by name (`COUNTERS_GONGJI_DATABASE_URL`).
"""

from service.ledger.eventsourcing.application import LedgerApplication
from service.ledger.eventsourcing.factory import AggregateLog, LedgerFactory, SnapshotRecorder
from service.ledger.eventsourcing.mapper import LedgerEvent, LedgerMapper
from service.ledger.eventsourcing.recorder import LedgerRecorder, LedgerTracking

__all__ = [
    "AggregateLog",
    "LedgerApplication",
    "LedgerEvent",
    "LedgerFactory",
    "LedgerMapper",
    "LedgerRecorder",
    "LedgerTracking",
    "SnapshotRecorder",
]
