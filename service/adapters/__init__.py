"""Systems asked from outside: the tax authority, the pooled fund, the kinship registry."""
