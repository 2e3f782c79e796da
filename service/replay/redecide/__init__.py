"""Every decision of the log decided again and compared."""
