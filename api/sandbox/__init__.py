"""Stand-ins for the systems that a deployment asks, for tests and trials over real sockets."""
