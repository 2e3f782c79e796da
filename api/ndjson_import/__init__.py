"""The lines of an import file, read ahead by a child and carried out in their order."""
