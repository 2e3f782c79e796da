"""A day's bills compared with an institution's list."""
