"""The door: JSON in and JSON out over HTTP, and the commands of the start script."""
