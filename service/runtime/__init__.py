"""Health of a running process: readiness, clock skew, database answers, logs, memory."""
