"""Redecide."""
