"""A day's comparison and a month's clearing over HTTP."""
