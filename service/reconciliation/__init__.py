"""A day compared with an institution's list, and what the institution is paid."""
