"""The ledger for the eventsourcing library: PERSISTENCE_MODULE=service.ledger.recorder.

It uses the same tables, the same order and the same lock as our own appends. The library blocks,
so this is for its applications, projections and tools, and never for the HTTP path.

All applications of one database (or schema, by `search_path`) share one log. An application that
follows another and records events itself needs its own database, which its environment names
(`COUNTERS_GONGJI_DATABASE_URL`). `LedgerApplication` reads our states.
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
