"""The work: one use case per file.

This room waits, reads the clock and opens doors, so that the rules it leans on need not.
It knows the rules and the read models, and nothing of HTTP.
"""
