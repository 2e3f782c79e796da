"""The rules: pure Python that decides from what it is given.

Nothing here waits, reads a clock, opens a file or a connection, or knows a framework.
Money is whole fen, time is an argument, and saying no is raising a refusal.
"""
