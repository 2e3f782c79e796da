"""Bindings over HTTP: invite, confirm, change, release; consent texts; the kinship register."""
