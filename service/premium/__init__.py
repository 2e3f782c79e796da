"""Premium."""
