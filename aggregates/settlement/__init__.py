"""A bill, the purses of a family, and how the bill is split, held and returned."""
