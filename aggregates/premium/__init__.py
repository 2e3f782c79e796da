"""A relative's premium: its events, its states, and who may pay it."""
