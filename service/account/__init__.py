"""Accounts: money in, status, year close, corrections, statement, erasure."""
