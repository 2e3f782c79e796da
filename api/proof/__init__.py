"""Checkpoints, proofs and receipts over HTTP."""
