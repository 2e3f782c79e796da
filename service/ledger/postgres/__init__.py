"""The ledger in PostgreSQL: the append, its commit, and the reads."""
