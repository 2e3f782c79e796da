"""What auditors ask over HTTP: traces, signals, the access log, the event feed."""
