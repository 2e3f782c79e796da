"""Persons: found, masked, and kept out of free texts; their keys wrapped anew."""
