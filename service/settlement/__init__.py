"""Quotes, settlements, holds, refunds, cancellations and reversals."""
