"""Settlements over HTTP: the hot route, quotes, refunds, holds, batches."""
