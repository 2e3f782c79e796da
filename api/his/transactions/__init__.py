"""The transactions of the national protocol, one file a group."""
