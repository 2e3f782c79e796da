"""Binding."""
