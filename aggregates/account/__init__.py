"""An account: its events, its state, and what may be done to it."""
