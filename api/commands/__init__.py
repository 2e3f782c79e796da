"""The commands of the start script, one file each."""
