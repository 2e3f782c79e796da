"""What keeps a running process healthy: readiness, clock skew, silence, logs, memory."""
