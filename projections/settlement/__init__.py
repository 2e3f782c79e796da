"""Settlements and their movements as lists."""
