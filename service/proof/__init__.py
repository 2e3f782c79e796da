"""The Merkle tree over the log, signed checkpoints, receipts, witnesses and exports."""
