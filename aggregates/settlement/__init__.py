"""A bill, the purses of a family, and how a bill is split, held, settled and refunded."""
