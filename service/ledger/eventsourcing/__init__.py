"""The ledger as the eventsourcing library's recorder."""
