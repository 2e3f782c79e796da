"""Read models follow the log: follower, projector, rebuild, reader and event feed."""
