"""Eventsourcing."""
