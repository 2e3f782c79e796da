"""What is stored beside the log, compared with what the log says."""
