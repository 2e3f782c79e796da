"""Visits and their fee lines, from registration to the bill."""
