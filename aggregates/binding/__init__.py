"""Who may be bound to whom, for how long and for what, and in which order sponsors pay."""
