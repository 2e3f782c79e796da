"""Limits for connections, addresses and callers."""
