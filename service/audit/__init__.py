"""Traces, states as of a moment, signals and the access log."""
