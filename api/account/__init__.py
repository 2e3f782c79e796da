"""Accounts over HTTP: look, credit, statement, corrections, filings, erasure."""
