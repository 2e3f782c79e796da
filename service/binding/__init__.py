"""Bindings, consents, kinship and the deduction order."""
