"""External systems: tax authority, pooled fund, kinship registry, verifier, checkpoint store."""
