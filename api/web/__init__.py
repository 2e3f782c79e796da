"""Pages for people, and the vendored files that they load."""
