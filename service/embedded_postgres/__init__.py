"""Finds, starts and supervises the PostgreSQL server that the service comes with."""
