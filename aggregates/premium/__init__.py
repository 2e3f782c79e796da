"""A relative's premium: events, states, and who may pay it."""
